public import WakeCore
public import WakeService

/// Drives a coordinator through a story and commits what it records, so that a ledger sees what it sees in life: requests, a restart,
/// gates that open, attempts, receipts. Nothing is sent.
public struct LedgerStory<Subject: Ledger> {
    /// Where the story is recorded.
    public var ledger: Subject
    /// What the daemon would hold in memory.
    public var coordinator = Coordinator()
    /// The story's time: 10 ms later with each event.
    public var now = start
    /// Deliveries that ended, by the names of their states, in order.
    public private(set) var endedStates: [String] = []
    private var seed: UInt64 = 1
    private var instance = "first"

    /// When every story begins.
    public static var start: Moment {
        Moment(wallMilliseconds: 1_790_000_000_000, boot: BootID("b007"), boottimeMicroseconds: 60_000_000)
    }

    /// Where its deliveries go.
    public static var route: Route { Route(channel: .discord(), kind: .channel, destination: "1234") }

    /// Begins a story on a ledger.
    public init(_ ledger: Subject) { self.ledger = ledger }

    /// An identifier that tells its number.
    public static func identifier(_ number: UInt64) -> Identifier { Identifier(high: 7, low: number) }

    /// A request with every kind of character in its note.
    public static func request(_ number: Int, owes: Set<DeliveryKind> = [.notice], session: String? = nil) -> RestartRequest {
        guard let session = try? SessionKey(session ?? "agent:infra:discord:channel:1234") else {
            preconditionFailure("the sample's session key is not valid: \(session ?? "")")
        }
        return RestartRequest(
            id: identifier(UInt64(number)), session: session, route: number.isMultiple(of: 2) ? route : nil,
            note: "go on with step \(number): \"größer\"\n\u{1F680}", target: .daemon, epoch: .token("epoch \(number)"),
            owes: owes,
            requester: .init(uid: 1000, pid: 4321), requestedAt: start)
    }

    /// Leads one event through the coordinator and commits what it changes.
    ///
    /// - Throws: what the ledger throws; then nothing is adopted.
    public mutating func run(_ event: Event) throws {
        seed += 1
        let directives = coordinator.step(event, at: now, dice: Dice(high: seed, low: seed &* 0x9E37_79B9))
        for directive in directives {
            guard case .record(let changes) = directive else { continue }
            try ledger.commit(changes)
            coordinator.adopt(changes)
            for case .delivery(let delivery) in changes where !delivery.isActive { endedStates.append(delivery.stateName) }
        }
        now = now.advanced(by: .milliseconds(10))
    }

    /// A session asks for a restart of the daemon.
    public mutating func ask(_ number: Int, owes: Set<DeliveryKind> = [.notice], session: String? = nil) throws {
        var request = Self.request(number, owes: owes, session: session)
        request.requestedAt = now
        request.epoch = .token(instance)
        try run(.requested(request, inboxRow: nil))
    }

    /// The daemon restarts: what was asked for fires.
    public mutating func restart(as name: String = "second") throws {
        try run(.timePassed)
        instance = name
        try run(.daemonStarted(instance: .token(name)))
    }

    /// The channel and its route become ready.
    public mutating func openGates() throws {
        try run(.channelChanged(.discord(), .ready(generation: 1)))
        try run(.routeChecked(Self.route, .ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: true))))
    }

    /// Every delivery that waits for a permit gets it: its attempt is recorded.
    public mutating func grantPermits() throws {
        for id in coordinator.deliveries.keys.sorted(by: { $0.description < $1.description }) { try run(.permitGranted(id)) }
    }

    /// Everything that may be sent is sent and arrives.
    public mutating func deliverAll() throws {
        try run(.channelChanged(.discord(), .connecting))
        try openGates()
        try grantPermits()
        for delivery in coordinator.deliveries.values where delivery.state == .sending {
            try run(.attemptEnded(delivery.id, .accepted(Receipt(id: "m1", source: .reply))))
        }
    }

    /// What a daemon that starts now would hold in memory.
    public func loaded(since moment: Moment? = nil) throws -> Coordinator {
        var loaded = Coordinator()
        loaded.adopt(try ledger.load(endedWakesSince: moment ?? Self.start))
        return loaded
    }
}
