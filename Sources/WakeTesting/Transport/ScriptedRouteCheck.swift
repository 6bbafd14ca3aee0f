public import WakeCore
public import WakeService

/// A route check that says what it was told to say.
public final class ScriptedRouteCheck: RouteCheck, ChannelServant {
    private struct Script {
        var states: [Route: RouteState] = [:]
        var next: [RouteState] = []
        var standard: RouteState
        var checked: [Route] = []
    }

    /// The channel whose routes it checks.
    public let channel: ChannelName
    private let script: Witness<Script>

    /// A check that finds every place in the given state; by default ready, with everything allowed.
    public init(
        channel: ChannelName = .discord(),
        finds standard: RouteState = .ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: true))
    ) {
        self.channel = channel
        script = Witness(Script(standard: standard))
    }

    /// From now on the place is in this state.
    public func set(_ route: Route, to state: RouteState) { script.change { $0.states[route] = state } }

    /// What the next checks find, whatever the place.
    public func answer(_ states: RouteState...) { script.change { $0.next += states } }

    /// What was checked, in order.
    public var checked: [Route] { script.value.checked }

    /// Returns once that many checks were made.
    public func waitForChecks(_ count: Int) async { await script.wait { $0.checked.count >= count } }

    /// Looks at the place.
    public func check(_ route: Route) async -> RouteState {
        script.change { script in
            script.checked.append(route)
            return script.next.isEmpty ? script.states[route] ?? script.standard : script.next.removeFirst()
        }
    }
}
