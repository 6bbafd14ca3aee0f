import WakeCore

/// Whom a message may ping. Rule: Discord, resources/message, "Allowed Mentions Object".
public struct AllowedMentions: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Takes the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// People that the text names.
    public static let users = AllowedMentions(rawValue: 1)
    /// Roles that the text names.
    public static let roles = AllowedMentions(rawValue: 2)
    /// `@everyone` and `@here`.
    public static let everyone = AllowedMentions(rawValue: 4)
    /// Nobody, whatever the text says.
    public static let nobody: AllowedMentions = []

    var json: JSONValue {
        let words: [(AllowedMentions, JSONValue)] = [(.users, "users"), (.roles, "roles"), (.everyone, "everyone")]
        return ["parse": .array(words.filter { contains($0.0) }.map(\.1))]
    }
}

/// The body of one POST of a message, with the nonce that makes a repeat harmless for some minutes.
public struct MessageRequest: Hashable, Sendable {
    /// The longest nonce that Discord takes.
    public static let maximumNonceCharacters = 25

    /// The value of `Content-Type`.
    public let contentType: String
    /// The body: JSON, or a multipart form if there is an attachment.
    public let body: [UInt8]

    /// Builds the body.
    ///
    /// - Parameters:
    ///   - text: the rendered message.
    ///   - nonce: at most 25 characters; letters and digits.
    ///   - mentions: whom it may ping.
    public init(_ text: MessageText, nonce: String, mentions: AllowedMentions = .nobody) {
        var object: JSONObject = [
            "content": .string(text.content), "nonce": .string(String(nonce.prefix(Self.maximumNonceCharacters))),
            "enforce_nonce": true, "allowed_mentions": mentions.json,
        ]
        guard let file = text.attachment else {
            contentType = "application/json"
            body = JSONValue.object(object).bytes
            return
        }
        object["attachments"] = [["id": 0, "filename": .string(MessageText.attachmentName)]]
        let payload = JSONValue.object(object).bytes
        let boundary = Self.boundary(nonce: nonce, notIn: [payload, file])
        contentType = "multipart/form-data; boundary=\(boundary)"
        body = Self.form(boundary: boundary, payload: payload, file: file)
    }

    private static func form(boundary: String, payload: [UInt8], file: [UInt8]) -> [UInt8] {
        var form: [UInt8] = []
        form.reserveCapacity(payload.count + file.count + 512)
        func line(_ text: String) { form.append(contentsOf: (text + "\r\n").utf8) }
        line("--\(boundary)")
        line("Content-Disposition: form-data; name=\"payload_json\"")
        line("Content-Type: application/json")
        line("")
        form.append(contentsOf: payload)
        line("")
        line("--\(boundary)")
        line("Content-Disposition: form-data; name=\"files[0]\"; filename=\"\(MessageText.attachmentName)\"")
        line("Content-Type: text/markdown; charset=utf-8")
        line("")
        form.append(contentsOf: file)
        line("")
        line("--\(boundary)--")
        return form
    }

    /// A separator that is in none of the parts. It needs no chance: the nonce is unique already, and a clash is looked for.
    private static func boundary(nonce: String, notIn parts: [[UInt8]]) -> String {
        let safe = String(nonce.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(25))
        var round = 0
        while true {
            let boundary = "reveille-\(safe)-\(round)"
            if parts.allSatisfy({ !contains($0, Array(boundary.utf8)) }) { return boundary }
            round += 1
        }
    }

    private static func contains(_ bytes: [UInt8], _ needle: [UInt8]) -> Bool {
        guard let first = needle.first, bytes.count >= needle.count else { return false }
        var start = 0
        while let at = bytes[start...].firstIndex(of: first), at + needle.count <= bytes.count {
            if bytes[at..<at + needle.count].elementsEqual(needle) { return true }
            start = at + 1
        }
        return false
    }
}
