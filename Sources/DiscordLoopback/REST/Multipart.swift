/// The parts of a `multipart/form-data` body.
enum Multipart {
    struct Part {
        var name: String
        var filename: String?
        var contentType: String?
        var bytes: [UInt8]
    }

    /// Splits a body; `nil` when it does not follow its boundary.
    static func parts(of body: [UInt8], contentType: String) -> [Part]? {
        guard let boundary = parameter("boundary", in: contentType), !boundary.isEmpty else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard var at = find(delimiter, in: body, from: 0) else { return nil }
        var parts: [Part] = []
        while true {
            at += delimiter.count
            if body[at...].starts(with: "--".utf8) { return parts }
            guard body[at...].starts(with: "\r\n".utf8), let end = find(Array("\r\n".utf8) + delimiter, in: body, from: at),
                let part = part(Array(body[(at + 2)..<max(at + 2, end)]))
            else { return nil }
            parts.append(part)
            guard parts.count <= LoopbackLimits.files + 10 else { return nil }
            at = end + 2
        }
    }

    private static func part(_ bytes: [UInt8]) -> Part? {
        guard let blank = find(Array("\r\n\r\n".utf8), in: bytes, from: 0) else { return nil }
        var part = Part(name: "", bytes: Array(bytes[(blank + 4)...]))
        for line in String(decoding: bytes[..<blank], as: UTF8.self).split(separator: "\r\n") {
            let sides = line.split(separator: ":", maxSplits: 1)
            guard sides.count == 2 else { continue }
            let value = String(sides[1]).trimmed
            switch sides[0].lowercased() {
            case "content-disposition":
                part.name = parameter("name", in: value) ?? ""
                part.filename = parameter("filename", in: value)
            case "content-type": part.contentType = value
            default: break
            }
        }
        return part.name.isEmpty ? nil : part
    }

    /// A parameter of a header value such as `form-data; name="payload_json"`.
    static func parameter(_ name: String, in value: String) -> String? {
        for piece in value.split(separator: ";") {
            let sides = piece.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, String(sides[0]).trimmed.lowercased() == name else { continue }
            var text = String(sides[1]).trimmed
            if text.count >= 2, text.first == "\"", text.last == "\"" { text = String(text.dropFirst().dropLast()) }
            return text
        }
        return nil
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count, start <= bytes.count - needle.count else { return nil }
        return (start...(bytes.count - needle.count)).first { bytes[$0] == needle[0] && bytes[$0...].starts(with: needle) }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let scalars = unicodeScalars.drop { $0.properties.isWhitespace }
        guard let last = scalars.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
        return String(String.UnicodeScalarView(scalars[...last]))
    }
}
