/// A fault on demand: what goes wrong, where, and how often.
///
/// Written as JSON (`{"fault":"rate-limit","scope":"global","retry_after":0.5,"count":2}`) or, for a command line,
/// as words (`rate-limit scope=global retry_after=0.5 count=2`).
public struct LoopbackFault: Sendable {
    /// The kinds of fault.
    public enum Kind: String, Sendable, CaseIterable {
        /// 429 with `scope`, `retry_after` (s) and, if given, `code`.
        case rateLimit = "rate-limit"
        /// 429 as an HTML page, with only a Retry-After header.
        case rateLimitPage = "rate-limit-page"
        /// A JSON error with `status` (500), `code` (0) and `message`.
        case status
        /// An HTML page with `status` (502).
        case htmlError = "html-error"
        /// 200 without a body.
        case emptyReply = "empty-reply"
        /// 200 whose JSON breaks off.
        case garbageReply = "garbage-reply"
        /// 200 with `bytes` (10 MiB) of JSON.
        case hugeReply = "huge-reply"
        /// The request is carried out, then the connection is closed before the reply.
        case lostReply = "lost-reply"
        /// The request is carried out, and the reply held back for `delay_ms` (1,000).
        case slowReply = "slow-reply"
        /// The connection is closed before the request is carried out.
        case dropRequest = "drop-request"
        /// The connection is reset before the request is carried out.
        case resetRequest = "reset-request"
        /// The request is neither carried out nor answered, and the connection stays.
        case hangRequest = "hang-request"
        /// The gateway closes with `code` (4000); 0 for a close frame without a code.
        case close
        /// Op 7; with `omit_d` the frame has no `d` at all.
        case reconnect
        /// Op 9; `resumable` (false) is its `d`.
        case invalidSession = "invalid-session"
        /// Heartbeats get no ACK.
        case silent
        /// Hello never comes.
        case noHello = "no-hello"
        /// The gateway resets the TCP connection.
        case gatewayReset = "gateway-reset"
        /// The gateway ends the TCP connection without a close frame.
        case gatewayDrop = "gateway-drop"
        /// The gateway connection stays but nothing goes through it any more.
        case halfOpen = "half-open"
        /// A gateway message of `bytes` (10 MiB).
        case hugeFrame = "huge-frame"
        /// A gateway message that is no JSON.
        case garbageFrame = "garbage-frame"
        /// READY or RESUMED no earlier than `delay_ms` (4,000) after the connection was made.
        case lateReady = "late-ready"
        /// READY names guild ids as numbers.
        case numericGuildIDs = "numeric-guild-ids"
        /// READY has sequence 0.
        case readySequenceZero = "ready-seq-zero"
        /// The WebSocket handshake is answered with `status` (503).
        case refuseHandshake = "refuse-handshake"
        /// The WebSocket handshake is not answered at all; the connection stays.
        case hangHandshake = "hang-handshake"

        /// Whether it strikes REST requests rather than the gateway.
        public var isREST: Bool {
            switch self {
            case .rateLimit, .rateLimitPage, .status, .htmlError, .emptyReply, .garbageReply, .hugeReply, .lostReply,
                .slowReply, .dropRequest, .resetRequest, .hangRequest:
                true
            default: false
            }
        }
    }

    /// When a gateway fault strikes.
    public enum Moment: String, Sendable, CaseIterable {
        /// Instead of Hello.
        case connect
        /// Instead of what Identify would bring.
        case identify
        /// Instead of what Resume would bring.
        case resume
        /// Instead of what Identify or Resume would bring.
        case handshake
        /// After READY and its guilds.
        case ready
        /// After RESUMED.
        case resumed
        /// After READY or RESUMED.
        case session
        /// After `after` dispatches on the connection.
        case dispatch
        /// After a heartbeat.
        case heartbeat
    }

    /// What goes wrong.
    public var kind: Kind
    /// How often; 0 for always. Default 1.
    public var count = 1
    /// How many matches pass unharmed first. Default 0.
    public var skip = 0
    /// The chance that a match is struck, 0 to 1. Default 1.
    public var probability = 1.0
    /// The seed of that chance. Default 1.
    public var seed: UInt64 = 1
    /// REST: only this method.
    public var method: String?
    /// REST: only this route, e.g. `/channels/{id}/messages`.
    public var route: String?
    /// REST: only this channel or guild.
    public var channel: Snowflake?
    /// Gateway: when; `nil` for the kind's own moment.
    public var moment: Moment?
    /// Gateway, with `dispatch`: after how many on the connection. Default 1.
    public var after = 1
    /// The scope of a 429. Default `user`.
    public var scope = RateLimitScope.user
    /// Seconds that a 429 asks to wait. Default 1.
    public var retryAfterSeconds = 1.0
    /// HTTP status.
    public var status: Int?
    /// JSON error code, or the gateway's close code.
    public var code: Int?
    /// The message in an error body.
    public var message: String?
    /// How long something is held back, in milliseconds.
    public var delayMilliseconds: Int?
    /// The `d` of op 9. Default false.
    public var resumable = false
    /// Op 7 without a `d`. Default false.
    public var omitsBody = false
    /// The size of something huge. Default 10 MiB.
    public var bytes = 10 << 20

    /// Makes a fault that strikes once, at the kind's own moment, whatever the request.
    public init(_ kind: Kind) {
        self.kind = kind
    }

    /// Reads a fault from JSON or from words.
    ///
    /// - Throws: ``LoopbackError`` that names what is unknown and lists what is known.
    public init(_ text: String) throws(LoopbackError) {
        guard !text.trimmed.hasPrefix("{") else {
            self = try LoopbackFault(json: LoopbackScript.parse(text, what: "fault"))
            return
        }
        let words = text.split(separator: " ")
        var json: JSON = ["fault": .string(words.first.map(String.init) ?? "")]
        for word in words.dropFirst() {
            let sides = word.split(separator: "=", maxSplits: 1)
            let value = sides.count > 1 ? String(sides[1]) : "true"
            json[key: String(sides[0])] = (try? JSON(parsing: value)) ?? .string(value)
        }
        try self.init(json: json)
    }

    init(json: JSON) throws(LoopbackError) {
        var fields = LoopbackFields(json, what: "fault")
        self.init(try fields.choice("fault", Kind.self))
        count = try fields.int("count", 0...Int.max) ?? count
        skip = try fields.int("skip", 0...Int.max) ?? skip
        probability = try fields.number("probability", 0...1) ?? probability
        seed = UInt64(try fields.int("seed", 0...Int.max) ?? 1)
        method = try fields.text("method")
        route = try fields.text("route")
        channel = try fields.id("channel")
        moment = try fields.optionalChoice("when", Moment.self)
        after = try fields.int("after", 1...Int.max) ?? after
        scope = try fields.optionalChoice("scope", RateLimitScope.self) ?? scope
        retryAfterSeconds = try fields.number("retry_after", 0...86_400) ?? retryAfterSeconds
        status = try fields.int("status", 200...599)
        code = try fields.int("code", 0...999_999)
        message = try fields.text("message")
        delayMilliseconds = try fields.int("delay_ms", 0...86_400_000)
        resumable = try fields.bool("resumable") ?? resumable
        omitsBody = try fields.bool("omit_d") ?? omitsBody
        bytes = try fields.int("bytes", 1...(256 << 20)) ?? bytes
        try fields.finish()
    }

    var moments: Set<Moment> {
        switch moment {
        case .handshake?: [.identify, .resume]
        case .session?: [.ready, .resumed]
        case let chosen?: [chosen]
        case nil:
            switch kind {
            case .reconnect: [.ready, .resumed]
            case .silent, .noHello: [.connect]
            default: [.identify, .resume]
            }
        }
    }

    var delay: Duration? { delayMilliseconds.map { .milliseconds($0) } }
}
