public import WakeCore

/// What tells one life of a gateway from the next. An open port tells nothing.
public enum GatewayEpoch: Hashable, Sendable {
    /// The gateway names its life.
    case instance(String)
    /// When it started, in milliseconds by the clock of whoever asked.
    case startedAt(Int64)

    /// By how much two measurements of one start may differ: the answers were under way for different times.
    public static let toleranceMilliseconds: Int64 = 2_000

    /// Reads it from `hello-ok`; nil where the gateway tells neither.
    ///
    /// - Parameters:
    ///   - snapshot: the hello's `snapshot`.
    ///   - now: milliseconds by a clock that is never stepped.
    public init?(_ snapshot: JSONObject, at now: Int64) {
        if let instance = snapshot["instance"]?.string {
            self = .instance(instance)
        } else if let uptime = snapshot["uptimeMs"]?.integer, uptime >= 0 {
            self = .startedAt(now.subtractingReportingOverflow(uptime).partialValue)
        } else {
            return nil
        }
    }

    /// Whether both are the same life.
    public func isSame(as other: GatewayEpoch) -> Bool {
        switch (self, other) {
        case (.instance(let one), .instance(let two)): one == two
        case (.startedAt(let one), .startedAt(let two)):
            one.subtractingReportingOverflow(two).partialValue.magnitude <= UInt64(Self.toleranceMilliseconds)
        default: false
        }
    }
}
