public import DiscordProtocol
import Logging
public import WakeCore
public import WakeService

/// What Discord tells a bot of itself.
public struct DiscordFacts: Sendable {
    /// A place, and whether it can be written to.
    public struct Place: Sendable {
        /// The place.
        public var route: Route
        /// What a look at it came to.
        public var state: RouteState
        /// The guild that it belongs to, by id; nil where that could not be seen, or there is none.
        public var guild: String?
        /// The channel that it is a thread of, by id; nil where it is none.
        public var parent: String?

        /// Makes one.
        public init(_ route: Route, _ state: RouteState, guild: String? = nil, parent: String? = nil) {
            self.route = route
            self.state = state
            self.guild = guild
            self.parent = parent
        }
    }

    /// Who the token belongs to.
    public var witness: ChannelWitness
    /// The day's identifies; nil where Discord did not tell.
    public var starts: GatewayBot?
    /// Places that wakes go to.
    public var places: [Place] = []

    /// Makes facts.
    public init(witness: ChannelWitness, starts: GatewayBot? = nil, places: [Place] = []) {
        self.witness = witness
        self.starts = starts
        self.places = places
    }
}

extension DiscordReader {
    /// The most places that one look goes to.
    public static let placesMaximumCount = 25

    /// Looks at the account and at places: one request for who it is, one for its identifies, and one to four for each place. Opens no
    /// session and no conversation: whether a person takes messages is known only when one is sent, so that people are left out.
    public func look(at routes: [Route]) async -> DiscordFacts {
        var facts = DiscordFacts(witness: await witness(channel))
        guard case .works = facts.witness else { return facts }
        if case .answered(let response) = await rest.call(.gatewayBot), response.isSuccess {
            facts.starts = GatewayBot(parsing: response.body)
        }
        for route in routes.filter({ $0.kind == .channel }).prefix(Self.placesMaximumCount) where !Task.isCancelled {
            facts.places.append(await look(at: route))
        }
        return facts
    }

    private func look(at route: Route) async -> DiscordFacts.Place {
        var place = DiscordFacts.Place(route, await check(route))
        guard place.state.isReady, let id = Snowflake(route.destination),
            case .success(let around) = await places.surroundings(of: id)
        else { return place }
        place.guild = around.guild?.description
        place.parent = around.parent?.description
        return place
    }
}
