import Mongo
import Runtime

/// Writes text with values of the event in it.
struct TemplateEncoder {
    private enum Segment {
        case literal([UInt8])
        case value(BSONPath)
    }

    private let segments: [Segment]

    init(_ template: TextTemplate) {
        segments = template.segments.map {
            switch $0 {
            case .literal(let text): .literal(Array(text.utf8))
            case .placeholder(let path): .value(BSONPath(segments: path))
            }
        }
    }

    /// Whatever is text in plain JSON is written as its characters: strings, ObjectIds, dates, decimals, binaries.
    /// Everything else is plain JSON; a field that the event does not have leaves nothing.
    ///
    /// - Throws: ``BSONError``.
    func write(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        for segment in segments {
            switch segment {
            case .literal(let text): buffer.append(contentsOf: text)
            case .value(let path):
                guard let element = try path.find(in: bytes, at: event.start) else { continue }
                try ExtendedJSON.writePlainText(element, of: bytes, into: &buffer)
            }
        }
    }
}
