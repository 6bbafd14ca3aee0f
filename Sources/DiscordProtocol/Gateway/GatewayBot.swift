import WakeCore

/// The answer to `GET /gateway/bot`. Rule: Discord, events/gateway, "Get Gateway Bot".
public struct GatewayBot: Hashable, Sendable {
    /// Where to connect, as Discord wrote it; used only if ``GatewayURL/isTrusted(loopback:)``.
    public var url: String
    /// How many shards Discord would use; we open one.
    public var recommendedShards: Int64
    /// Identifies in a day.
    public var total: Int
    /// What is left of them.
    public var remaining: Int
    /// Until `remaining` becomes `total` again.
    public var resetAfterMilliseconds: Int64

    /// Makes an answer, for tests.
    public init(
        url: String, recommendedShards: Int64 = 1, total: Int = 1000, remaining: Int = 1000,
        resetAfterMilliseconds: Int64 = 14_400_000
    ) {
        self.url = url
        self.recommendedShards = recommendedShards
        self.total = total
        self.remaining = remaining
        self.resetAfterMilliseconds = resetAfterMilliseconds
    }

    /// Reads the body of the answer; `nil` if it is not JSON, or lacks `url` or `session_start_limit`. Never traps.
    public init?(parsing bytes: some Collection<UInt8>) {
        guard bytes.count <= 65_536, let json = try? JSONValue.parse(bytes, maximumDepth: 16),
            let url = json["url"]?.string, let limit = json["session_start_limit"],
            let total = limit["total"]?.integer, let remaining = limit["remaining"]?.integer
        else { return nil }
        self.init(
            url: url, recommendedShards: json["shards"]?.integer ?? 1,
            total: Int(clamping: min(max(total, 0), 1_000_000)), remaining: Int(clamping: min(max(remaining, 0), 1_000_000)),
            resetAfterMilliseconds: max(0, limit["reset_after"]?.integer ?? 86_400_000))
    }
}

/// Why `GET /gateway/bot` gave no answer that can be used.
public enum GatewayFetchFailure: Hashable, Sendable {
    /// 401.
    case unauthorised
    /// 429, with the wait that it asks for.
    case rateLimited(retryAfter: Duration)
    /// Anything else: no connection, 5xx, a body that is no answer.
    case unusable(reason: String)
}
