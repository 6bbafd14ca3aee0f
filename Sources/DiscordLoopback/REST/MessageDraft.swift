import NIOHTTP1

/// A message as a client asked for it, its form checked but not yet its right to exist.
struct MessageDraft {
    var content = ""
    var nonce: JSON?
    var enforceNonce = false
    var tts = false
    var flags = 0
    var embeds: JSON = []
    var components: JSON = []
    var stickers = 0
    var poll = false
    var files: [Multipart.Part] = []
    var allowedMentions: JSON?
    var reference: JSON?

    var isEmpty: Bool {
        content.trimmed.isEmpty && embeds.array?.isEmpty != false && components.array?.isEmpty != false && files.isEmpty
            && stickers == 0 && !poll
    }

    /// Reads a request's body: JSON, or multipart with `payload_json` and `files[n]`.
    init(_ request: APIRequest) throws(RESTRefusal) {
        guard request.body.count <= LoopbackLimits.requestBytes else {
            throw RESTRefusal(.error(413, 40_005, "Request entity too large"))
        }
        let form: JSON
        if request.contentType.hasPrefix("application/json") {
            form = try Self.parse(request.body)
        } else if request.contentType.hasPrefix("multipart/form-data") {
            let type = request.headers.first(name: "Content-Type") ?? ""
            guard let parts = Multipart.parts(of: request.body, contentType: type) else {
                throw RESTRefusal(.error(400, 50_035, "Invalid Form Body"))
            }
            let payload = parts.first { $0.name == "payload_json" }
            form = try payload.map { part throws(RESTRefusal) in try Self.parse(part.bytes) } ?? Self.plainFields(parts)
            files = parts.filter { $0.filename != nil && ($0.name == "file" || $0.name.hasPrefix("files[")) }
        } else {
            throw RESTRefusal(
                .invalidForm(
                    "_misc", code: "CONTENT_TYPE_INVALID",
                    message: "Expected \"Content-Type\" header to be one of application/json, multipart/form-data."))
        }
        guard form.object != nil else { throw RESTRefusal(.error(400, 50_109, "The request body contains invalid JSON.")) }
        try readText(form)
        try readRest(form)
    }

    private static func parse(_ bytes: [UInt8]) throws(RESTRefusal) -> JSON {
        do { return try JSON(parsing: bytes) } catch {
            throw RESTRefusal(.error(400, 50_109, "The request body contains invalid JSON."))
        }
    }

    private static func plainFields(_ parts: [Multipart.Part]) -> JSON {
        var form: JSON = [:]
        for part in parts where part.filename == nil {
            form[key: part.name] = .string(String(decoding: part.bytes, as: UTF8.self))
        }
        return form
    }

    private mutating func readText(_ form: JSON) throws(RESTRefusal) {
        if let value = form[key: "content"], !value.isNull {
            guard let text = value.string else {
                throw RESTRefusal(.invalidForm("content", code: "STRING_TYPE_CONVERT", message: "Could not interpret as string."))
            }
            // A character is a Unicode scalar here, as in Python's len().
            guard text.unicodeScalars.count <= LoopbackLimits.contentCharacters else {
                throw RESTRefusal(
                    .invalidForm("content", code: "BASE_TYPE_MAX_LENGTH", message: "Must be 2000 or fewer in length."))
            }
            content = text
        }
        switch form[key: "nonce"] {
        case nil, .null?: break
        case .int(let number)?: nonce = .int(number)
        case .string(let text)?: nonce = .string(text)
        default:
            throw RESTRefusal(.invalidForm("nonce", code: "NONCE_TYPE_INVALID", message: "Nonce must be a string or a number."))
        }
        guard nonceText?.unicodeScalars.count ?? 0 <= LoopbackLimits.nonceCharacters else {
            throw RESTRefusal(.invalidForm("nonce", code: "BASE_TYPE_MAX_LENGTH", message: "Must be 25 or fewer in length."))
        }
        enforceNonce = form[key: "enforce_nonce"]?.bool ?? false
    }

    /// The nonce as text: 12 and "12" are the same.
    var nonceText: String? {
        switch nonce {
        case .int(let number)?: String(number)
        case .string(let text)?: text
        default: nil
        }
    }

    private mutating func readRest(_ form: JSON) throws(RESTRefusal) {
        tts = form[key: "tts"]?.bool ?? false
        flags = form[key: "flags"]?.int ?? 0
        let settable = 1 << 2 | 1 << 12 | 1 << 13 | 1 << 15
        guard flags & ~settable == 0 else {
            throw RESTRefusal(.invalidForm("flags", code: "INVALID_FLAGS", message: "Flags can't be set by a sender."))
        }
        embeds = form[key: "embeds"].flatMap { $0.array.map(JSON.array) } ?? []
        guard embeds.array?.count ?? 0 <= LoopbackLimits.embeds else {
            throw RESTRefusal(.invalidForm("embeds", code: "BASE_TYPE_MAX_LENGTH", message: "Must be 10 or fewer in length."))
        }
        guard Self.characters(in: embeds) <= LoopbackLimits.embedCharacters else {
            throw RESTRefusal(
                .invalidForm("embeds", code: "MAX_EMBED_SIZE_EXCEEDED", message: "Embed size exceeds maximum size of 6000"))
        }
        components = form[key: "components"].flatMap { $0.array.map(JSON.array) } ?? []
        stickers = form[key: "sticker_ids"]?.array?.count ?? 0
        guard stickers <= LoopbackLimits.stickers else {
            throw RESTRefusal(.invalidForm("sticker_ids", code: "BASE_TYPE_MAX_LENGTH", message: "Must be 3 or fewer in length."))
        }
        poll = form[key: "poll"]?.object != nil
        guard files.count <= LoopbackLimits.files else {
            throw RESTRefusal(.error(400, 30_015, "Maximum number of attachments in a message reached (10)"))
        }
        if flags & (1 << 15) != 0, !content.isEmpty || embeds.array?.isEmpty == false || stickers > 0 || poll {
            throw RESTRefusal(
                .invalidForm(
                    "content", code: "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    message: "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"))
        }
        if let mentions = form[key: "allowed_mentions"], !mentions.isNull {
            try Self.check(mentions)
            allowedMentions = mentions
        }
        if let reference = form[key: "message_reference"], !reference.isNull { self.reference = reference }
    }

    private static func characters(in value: JSON) -> Int {
        switch value {
        case .string(let text): text.unicodeScalars.count
        case .array(let values): values.reduce(0) { $0 + characters(in: $1) }
        case .object(let members):
            members.reduce(0) { sum, member in
                ["url", "icon_url", "proxy_url", "timestamp", "type"].contains(member.key)
                    ? sum : sum + characters(in: member.value)
            }
        default: 0
        }
    }

    /// `allowed_mentions`: known types, at most 100 ids, and never a type together with ids of it.
    private static func check(_ mentions: JSON) throws(RESTRefusal) {
        let kinds = (mentions[key: "parse"]?.array ?? []).map { $0.string ?? "" }
        for (index, kind) in kinds.enumerated() where !["users", "roles", "everyone"].contains(kind) {
            throw RESTRefusal(
                .invalidForm(
                    "allowed_mentions", "parse", String(index), code: "BASE_TYPE_CHOICES",
                    message: "Value must be one of ('users', 'roles', 'everyone')."))
        }
        for kind in ["users", "roles"] {
            let ids = mentions[key: kind]?.array ?? []
            guard ids.count <= LoopbackLimits.allowedMentionIDs else {
                throw RESTRefusal(
                    .invalidForm(
                        "allowed_mentions", kind, code: "BASE_TYPE_MAX_LENGTH", message: "Must be 100 or fewer in length."))
            }
            if kinds.contains(kind), !ids.isEmpty {
                throw RESTRefusal(
                    .invalidForm(
                        "allowed_mentions", code: "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                        message: "parse:[\"\(kind)\"] and \(kind): [ids...] are mutually exclusive."))
            }
        }
    }
}
