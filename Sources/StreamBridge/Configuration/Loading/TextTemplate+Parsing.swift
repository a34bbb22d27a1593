extension TextTemplate: CustomStringConvertible {
    /// Reads text with `{dotted.path}`; `{{` and `}}` are braces themselves.
    package init(parsing text: String) throws(TextTemplateFault) {
        var segments: [Segment] = []
        var literal = ""
        var placeholder: (text: String, position: Int)?
        var rest = Array(text)[...]
        while let character = rest.popFirst() {
            let position = rest.startIndex
            if let open = placeholder {
                switch character {
                case "}":
                    segments.append(.placeholder(try Self.path(open.text, position: open.position)))
                    placeholder = nil
                case "{": throw TextTemplateFault(position: position, problem: "`{` inside a placeholder; write `{{` for a brace itself")
                default: placeholder = (open.text + String(character), open.position)
                }
            } else if character == "{" || character == "}", rest.first == character {
                literal.append(character)
                rest.removeFirst()
            } else if character == "{" {
                if !literal.isEmpty { segments.append(.literal(literal)) }
                literal = ""
                placeholder = ("", position)
            } else if character == "}" {
                throw TextTemplateFault(position: position, problem: "`}` without a `{`; write `}}` for a brace itself")
            } else {
                literal.append(character)
            }
        }
        if let placeholder {
            throw TextTemplateFault(position: placeholder.position, problem: "`{` is never closed; write `{{` for a brace itself")
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        self.segments = segments
    }

    private static func path(_ text: String, position: Int) throws(TextTemplateFault) -> [String] {
        do throws(ConfigurationComplaint) {
            return try FieldPath.parse(text)
        } catch {
            throw TextTemplateFault(position: position, problem: "the placeholder \("{\(text)}".quoted) names no field: \(error.remedy)")
        }
    }

    /// The text that reads as this template.
    package var description: String {
        segments.reduce(into: "") { text, segment in
            switch segment {
            case .literal(let literal): text += literal.replacing("{", with: "{{").replacing("}", with: "}}")
            case .placeholder(let path): text += "{\(path.joined(separator: "."))}"
            }
        }
    }
}

/// Why a text is no template.
package struct TextTemplateFault: Error, Equatable, CustomStringConvertible {
    /// Counted from 1, in characters of the template.
    package var position: Int
    package var problem: String

    package var description: String { "character \(position): \(problem)" }
}

extension TextTemplate {
    /// Reads the template of a stream's topic: `{db}` and `{coll}` between characters that Kafka allows.
    static func topic(_ text: String) throws(ConfigurationComplaint) -> TextTemplate {
        let template = try any(text)
        for segment in template.segments {
            switch segment {
            case .placeholder(let path):
                guard path == ["db"] || path == ["coll"] else {
                    let name = path.joined(separator: ".")
                    throw ConfigurationComplaint(
                        "a topic knows only {db} and {coll}", found: "found the placeholder \("{\(name)}".quoted)")
                }
            case .literal(let literal):
                try LegalName.checkTopicCharacters(literal)
            }
        }
        try LegalName.checkTopic(text)
        return template
    }

    /// Reads a template whose placeholders may be any paths.
    static func any(_ text: String) throws(ConfigurationComplaint) -> TextTemplate {
        guard !text.isEmpty else { throw ConfigurationComplaint("write a text, such as \"mongo.{db}.{coll}\"") }
        do throws(TextTemplateFault) {
            return try TextTemplate(parsing: text)
        } catch {
            throw ConfigurationComplaint(error.description)
        }
    }
}
