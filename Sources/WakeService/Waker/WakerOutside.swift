extension Waker {
    /// What may happen at once with the outside world.
    public struct Outside: Sendable {
        /// Sends notices, one for each channel of ours.
        public var transports: [any NoticeTransport]
        /// Starts turns.
        public var turns: [any TurnSink]
        /// Looks after turns that are commands.
        public var keepers: [any TurnKeeper]
        /// Knows what has changed before a first attempt.
        public var briefings: [any BriefingSource]
        /// Checks routes.
        public var routeChecks: [any RouteCheck]
        /// Looks for receipts.
        public var lookups: [any ReceiptLookup]
        /// Watches targets.
        public var epochs: [any EpochSource]
        /// Carries out restarts.
        public var restarts: RestartCoordinator
        /// Finds out when jobs are due; without one, no job is.
        public var planner: (any JobPlanner)?

        /// Joins the adapters.
        public init(
            transports: [any NoticeTransport] = [], turns: [any TurnSink] = [], keepers: [any TurnKeeper] = [],
            briefings: [any BriefingSource] = [],
            routeChecks: [any RouteCheck] = [], lookups: [any ReceiptLookup] = [],
            epochs: [any EpochSource] = [], restarts: RestartCoordinator = RestartCoordinator([]),
            planner: (any JobPlanner)? = nil
        ) {
            self.transports = transports
            self.turns = turns
            self.keepers = keepers
            self.briefings = briefings
            self.routeChecks = routeChecks
            self.lookups = lookups
            self.epochs = epochs
            self.restarts = restarts
            self.planner = planner
        }
    }
}
