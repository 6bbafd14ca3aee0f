import WakeCore

/// An answer to a REST request, as it came.
public struct RESTResponse: Hashable, Sendable {
    /// The largest body that is read: a page of 100 full messages fits with room.
    public static let maximumBodyBytes = 4 << 20

    /// The HTTP status.
    public var status: Int
    /// The body, at most ``maximumBodyBytes``.
    public var body: [UInt8]
    private let headers: [String: String]

    /// Takes an answer; of a repeated header the last value counts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = Dictionary(headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { _, last in last })
        self.body = body
    }

    /// A header's value by its name in any case.
    public func header(_ name: String) -> String? { headers[name.lowercased()] }

    /// Whether it is a success.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// The body as JSON; `nil` for HTML, for nothing, and for garbage.
    var json: JSONValue? {
        guard !body.isEmpty, body.count <= Self.maximumBodyBytes else { return nil }
        return try? JSONValue.parse(body, maximumDepth: 64)
    }

    /// What Discord says went wrong; `nil` if the body is not Discord's.
    public var error: DiscordError? { DiscordError(json) }
}

/// Discord's own error body: `{"code", "message"}`. Rule: Discord, reference, "Error Messages".
public struct DiscordError: Hashable, Sendable, CustomStringConvertible {
    /// The JSON error code; 0 is the general one.
    public var code: Int64
    /// Discord's words, at most 200 characters, control characters removed.
    public var message: String

    /// Takes a code and words.
    public init(code: Int64, message: String) {
        self.code = code
        self.message = message
    }

    init?(_ json: JSONValue?) {
        guard let json, let message = json["message"]?.string else { return nil }
        let plain = message.unicodeScalars.filter { $0.properties.generalCategory != .control }
        self.init(
            code: json["code"]?.integer ?? 0, message: String(String(String.UnicodeScalarView(plain)).prefix(200)))
    }

    /// Words and code.
    public var description: String { code == 0 ? message : "\(message) (\(code))" }
}

/// The rate-limit part of an answer. Rule: Discord, topics/rate-limits.
public struct RateLimitHeaders: Hashable, Sendable {
    /// What a 429 is about.
    public enum Scope: Hashable, Sendable {
        /// This bot used up the bucket.
        case user
        /// Everybody together did; does not count towards the invalid-request ban.
        case shared
        /// The whole bot must wait.
        case global
    }

    /// Discord's id of the bucket.
    public var bucket: String?
    /// Requests in a window.
    public var limit: Int?
    /// What is left of them.
    public var remaining: Int?
    /// Until the window ends.
    public var resetAfter: Duration?
    /// What a 429 is about; `nil` for every other status.
    public var scope: Scope?
    /// How long a 429 asks to wait: the larger of header and body, 5 s if it says nothing.
    public var retryAfter: Duration?

    /// Reads an answer's headers and, of a 429, its body. Odd values count as absent. Never traps.
    public init(_ response: RESTResponse) {
        bucket = response.header("x-ratelimit-bucket").flatMap { $0.isEmpty || $0.utf8.count > 128 ? nil : $0 }
        limit = response.header("x-ratelimit-limit").flatMap { Int($0) }.flatMap { (1...1_000_000).contains($0) ? $0 : nil }
        remaining = response.header("x-ratelimit-remaining").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        resetAfter = Self.seconds(response.header("x-ratelimit-reset-after"))
        guard response.status == 429 else { return }
        let body = response.json
        scope =
            switch response.header("x-ratelimit-scope") {
            case "shared": .shared
            case "global": .global
            // Without bucket headers it is the global limit or Cloudflare's page: both are about all requests.
            case let word:
                body?["global"]?.bool == true || response.header("x-ratelimit-global") == "true" || (word == nil && bucket == nil)
                    ? .global : .user
            }
        let asked = [
            Self.seconds(response.header("retry-after")), body?["retry_after"]?.number.flatMap { .clamped(seconds: $0) },
        ]
        retryAfter = asked.compactMap { $0 }.max() ?? .seconds(5)
    }

    private static func seconds(_ text: String?) -> Duration? {
        text.flatMap { Double($0) }.flatMap { $0.isFinite && $0 >= 0 ? .clamped(seconds: $0) : nil }
    }
}
