/// How long the gateway's own ping is given before anybody else sends one, so that people see one and not two.
public enum OwnPingChance {
    /// A gateway that pings once does so 750 ms after its start; with the request itself, 3 s are enough.
    public static let afterStart: Duration = .seconds(3)
    /// A gateway that tries again does so each second; 5 s after its channel became ready one try must have met it.
    public static let afterReady: Duration = .seconds(5)

    /// What is left of the chance.
    ///
    /// - Parameters:
    ///   - version: of the gateway; nil if it is not known, which gets the longer of the two chances.
    ///   - sinceStart: how long its present life has lasted.
    ///   - sinceReady: how long the channel has been ready in it; nil if it is not.
    /// - Returns: how long to wait from now on; zero if the chance is over. While the channel of a gateway that tries again is
    ///   not ready, the whole chance is left.
    public static func remaining(of version: GatewayVersion?, sinceStart: Duration, sinceReady: Duration?) -> Duration {
        let habits = GatewayHabits(of: version)
        let fromStart = max(.zero, afterStart - sinceStart)
        if habits.pingsOnce { return fromStart }
        let fromReady = sinceReady.map { max(.zero, afterReady - $0) } ?? afterReady
        return version == nil ? max(fromStart, fromReady) : fromReady
    }
}
