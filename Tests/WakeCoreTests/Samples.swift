@testable import WakeCore

/// What the tests of the core begin with.
enum Sample {
    static let boot = BootID("b001")
    static let start = Moment(wallMilliseconds: 1_800_000_000_000, boot: boot, boottimeMicroseconds: 60_000_000)
    static let route = Route(channel: .discord(), kind: .channel, destination: "1234")
    static let otherRoute = Route(channel: .discord("second"), kind: .channel, destination: "5678")
    static let policy = Policy()
    static let jitter = UnitFraction(0.5)

    static func id(_ number: UInt64) -> Identifier { Identifier(high: 0, low: number) }

    static func key(_ text: String = "agent:infra:discord:channel:1234") -> SessionKey {
        guard let key = try? SessionKey(text) else { preconditionFailure("'\(text)' is no session key") }
        return key
    }

    static func after(_ seconds: Double) -> Moment { start.advanced(by: .microseconds(Int64(seconds * 1_000_000))) }

    /// A moment of the next boot.
    static func nextBoot(after seconds: Int64, synchronised: Bool = true) -> Moment {
        Moment(
            wallMilliseconds: start.wallMilliseconds + seconds * 1000, boot: BootID("b002"), boottimeMicroseconds: 5_000_000,
            clockSynchronised: synchronised)
    }

    static func request(
        _ number: UInt64 = 1, target: RestartTarget = .unit("web.service"), delay: Duration = .zero, performedByUs: Bool = true,
        epoch: Epoch? = nil, owes: Set<DeliveryKind> = [.notice], session: SessionKey = key(), route: Route? = nil,
        at moment: Moment = start
    ) -> RestartRequest {
        RestartRequest(
            id: id(number), session: session, route: route, note: "note \(number)", target: target,
            command: target == .exec ? .init(arguments: ["true"], directory: "/") : nil, delay: delay,
            performedByUs: performedByUs, epoch: epoch, owes: owes, requestedAt: moment)
    }
}

/// A coordinator with a clock, whose directives are taken for done.
struct Story {
    var coordinator: Coordinator
    var now = Sample.start
    var told: [Decision] = []
    private var seed: UInt64 = 1

    init(_ policy: Policy = Policy()) { coordinator = Coordinator(policy: policy) }

    /// Hands an event in and returns what is to be done, without records and words.
    @discardableResult
    mutating func on(_ event: Event, after wait: Duration = .milliseconds(10)) -> [Directive] {
        now = now.advanced(by: wait)
        seed += 1
        let directives = coordinator.step(event, at: now, dice: Dice(high: seed, low: seed &* 0x9E37_79B9_7F4A_7C15))
        told = []
        var rest: [Directive] = []
        for directive in directives {
            switch directive {
            case .record(let changes): coordinator.adopt(changes)
            case .tell(let decision): told.append(decision)
            default: rest.append(directive)
            }
        }
        return rest
    }

    /// Lets time go by, looking at whatever comes due on the way.
    @discardableResult
    mutating func wait(_ duration: Duration) -> [Directive] {
        let end = now.advanced(by: duration)
        var done: [Directive] = []
        while let due = coordinator.nextDeadlineMicroseconds, due <= end.boottimeMicroseconds {
            done += on(.timePassed, after: .microseconds(max(0, due - now.boottimeMicroseconds)))
        }
        now = end
        return done
    }

    mutating func begin(_ instance: String = "one") { on(.daemonStarted(instance: .token(instance))) }

    /// The channel and the route become ready.
    @discardableResult
    mutating func open(_ route: Route = Sample.route, generation: UInt64 = 1) -> [Directive] {
        on(.channelChanged(route.channel, .ready(generation: generation)))
            + on(.routeChecked(route, .ready(RouteCapabilities(mayReadHistory: true))))
    }

    /// A sentinel of somebody else's restart fires.
    mutating func fire(
        _ number: UInt64, owes: Set<DeliveryKind> = [.notice], session: SessionKey = Sample.key(), route: Route? = nil
    ) {
        let target = RestartTarget.unit("unit\(number).service")
        on(.epochObserved(target, .token("old"), settled: true))
        on(
            .requested(
                Sample.request(number, target: target, performedByUs: false, owes: owes, session: session, route: route, at: now),
                inboxRow: nil))
        on(.epochObserved(target, .token("new"), settled: true))
    }

    /// The sends among directives.
    static func sends(_ directives: [Directive]) -> [SendOrder] {
        directives.compactMap { if case .send(let order) = $0 { order } else { nil } }
    }

    static func permits(_ directives: [Directive]) -> [DeliveryID] {
        directives.compactMap { if case .requestPermit(let id, _) = $0 { id } else { nil } }
    }
}
