/// What refusals in a row say about a channel: that its far side may serve nobody, though the channel itself is up.
///
/// Can transition: from noticing to in doubt (enough refusals, on enough routes), from either to nothing (an answer that proves that
/// the far side serves, or a channel that is no longer ready: then its gate says more).
public struct Doubt: Hashable, Sendable {
    /// Refusals in a row that put a channel in doubt. One may be chance and two may be one cause; more would be sent in vain.
    public static let refusals = 3
    /// On how many routes they must have come: one route that refuses says nothing about the others.
    public static let routes = 2

    /// Attempts in a row that ended without an answer to the message itself, up to ``refusals``.
    public internal(set) var refusals = 0
    /// Where, up to ``routes``.
    public internal(set) var routes: Set<Route> = []
    /// Since when the channel is in doubt; nil while that is only being noticed.
    public internal(set) var since: Moment?
    /// Probes that failed in a row, for the backoff.
    public internal(set) var failures = 0
    /// The one delivery that goes to the far side meanwhile.
    public internal(set) var probe: DeliveryID?
    /// Where the last probe went: the next one goes elsewhere, so that a bad route does not hold up the others.
    public internal(set) var lastRoute: Route?
    /// When the next probe may go, in microseconds of boottime.
    public internal(set) var probeAtMicroseconds: Int64 = 0

    mutating func note(refusalOn route: Route) {
        refusals = min(refusals + 1, Self.refusals)
        if routes.count < Self.routes { routes.insert(route) }
    }

    var isEnough: Bool { refusals >= Self.refusals && routes.count >= Self.routes }
}
