import Hashing

@testable import Mongo
@testable import Runtime

/// Field rules on decoded documents: slow, and written another way than ``FieldRewriter``. It looks for each name in
/// the lists of rules.
struct FieldModel {
    var include: [[String]]?
    var exclude: [[String]] = []
    var rename: [(path: [String], name: String)] = []
    var mask: [(path: [String], mask: FieldMask)] = []

    static let key = Array("0123456789abcdef".utf8)

    var rewriter: FieldRewriter {
        FieldRewriter(FieldRules(include: include, exclude: exclude, rename: rename, mask: mask), key: Self.key)
    }

    // MARK: Rules

    private var paths: [[String]] {
        var paths = exclude
        if let include { paths += include + [["_id"]] }
        for (path, _) in mask { paths.append(path) }
        for (path, name) in rename {
            paths.append(path)
            if keepsOthers(path.dropLast()) { paths.append(path.dropLast() + [name]) }
        }
        return paths
    }

    private func isKnown(_ path: [String]) -> Bool { paths.contains { $0.starts(with: path) } }

    private func keepsOthers(_ path: [String]) -> Bool {
        guard let include else { return true }
        return (include + [["_id"]]).contains { path.starts(with: $0) }
    }

    private func mask(_ path: [String]) -> FieldMask? { mask.first { $0.path == path }?.mask }

    static func isPosition(_ name: String) -> Bool { name.count <= 7 && Int(name).map { "\($0)" == name && $0 >= 0 } ?? false }

    // MARK: Documents

    func document(_ document: BSONDocument, at path: [String] = []) throws -> BSONDocument {
        BSONDocument(fields: try document.fields().compactMap { try field($0.key, $0.value, at: path, in: document) })
    }

    private func field(_ key: String, _ value: BSONValue, at start: [String], in document: BSONDocument) throws -> (String, BSONValue)? {
        let names = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        var path = start
        var newNames: [String] = []
        var isElement = false
        for (index, name) in names.enumerated() {
            let rest = names[(index + 1)...]
            if isKnown(path + [name]) {
                path.append(name)
                if exclude.contains(path) { return nil }
                newNames.append(rename.first { $0.path == path }?.name ?? name)
                if let mask = mask(path) {
                    guard rest.allSatisfy(Self.isPosition) else { return nil }
                    return ((newNames + rest).joined(separator: "."), try masked(value, mask))
                }
                if rest.isEmpty, let rename = rename.first(where: { $0.path.dropLast() + [$0.name] == path }),
                    document.keys.contains((names.dropLast() + [rename.path.last ?? ""]).joined(separator: "."))
                {
                    return nil
                }
            } else if index > 0, Self.isPosition(name) {
                // Paths begin in documents, so the first name is a field's.
                newNames.append(name)
                isElement = rest.isEmpty
            } else {
                return keepsOthers(path) ? ((newNames + [name] + rest).joined(separator: "."), value) : nil
            }
        }
        switch value {
        case .document(let document): return (newNames.joined(separator: "."), .document(try self.document(document, at: path)))
        case .array(let items): return (newNames.joined(separator: "."), .array(try self.items(items, at: path)))
        default:
            if !keepsOthers(path) { return isElement ? (newNames.joined(separator: "."), .null) : nil }
            return (newNames.joined(separator: "."), value)
        }
    }

    private func items(_ items: [BSONValue], at path: [String]) throws -> [BSONValue] {
        try items.enumerated().map { index, item in
            let own = isKnown(path + ["\(index)"]) ? path + ["\(index)"] : path
            if exclude.contains(own) { return .null }
            if let mask = mask(own) { return try masked(item, mask) }
            switch item {
            case .document(let document): return .document(try self.document(document, at: own))
            case .array(let items): return .array(try self.items(items, at: own))
            default: return keepsOthers(own) ? item : .null
            }
        }
    }

    private func masked(_ value: BSONValue, _ mask: FieldMask) throws -> BSONValue {
        if case .array(let items) = value { return .array(try items.map { try masked($0, mask) }) }
        switch mask {
        case .redact: return "***"
        case .keep(let count):
            guard let text = value.stringValue, text.unicodeScalars.count > count else { return "***" }
            return .string("***" + String(String.UnicodeScalarView(text.unicodeScalars.suffix(count))))
        case .hash: return .string(try Self.hash(value))
        }
    }

    static func hash(_ value: BSONValue) throws -> String {
        let document: BSONDocument = ["": value]
        var cursor = try BSONCursor(document: document.bytes.span.bytes)
        var bytes = OutputBuffer(capacity: 64)
        if let element = try cursor.next(in: document.bytes.span.bytes) {
            try CanonicalBSON.writeValue(element, of: document.bytes.span.bytes, into: &bytes)
        }
        var digest = [UInt8](repeating: 0, count: KeyedHash.digestSize)
        digest.withUnsafeMutableBytes { digest in bytes.withUnsafeBytes { KeyedHash(key: key).digest(of: $0, into: digest) } }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension FieldRewriter {
    func document(_ document: BSONDocument) throws -> BSONDocument {
        var buffer = OutputBuffer(capacity: 64)
        try writeDocument(document.bytes.span.bytes, into: &buffer)
        return try buffer.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    func event(_ event: BSONDocument) throws -> BSONDocument {
        var buffer = OutputBuffer(capacity: 64)
        try writeEvent(event.bytes.span.bytes, at: 0, into: &buffer)
        return try buffer.withUnsafeBytes { try BSONDocument(copying: $0) }
    }
}
