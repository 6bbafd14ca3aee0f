import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The doubles keep the ports' promises", .timeLimit(.minutes(1)))
struct DoubleConformanceTests {
    private let route = WakerRig.route
    private let elsewhere = Route(channel: .discord(), kind: .channel, destination: "99")

    @Test("the transport")
    func transport() async throws {
        let transport = ScriptedNoticeTransport()
        try await Self.suite(transport, transport).check()
    }

    /// The suite for a transport whose far side is that of the double.
    static func suite(_ subject: any NoticeTransport, _ double: ScriptedNoticeTransport) -> NoticeTransportConformance {
        NoticeTransportConformance(
            subject, route: WakerRig.route,
            arrived: {
                double.calls.count { if case .answered(_, .accepted) = $0 { true } else { false } }
            },
            closeLimits: { double.grantAtOnce(!$0) },
            faults: [
                .init("429") { double.answer(.transient(reason: "429", retryAfter: .seconds(1))) },
                .init("403") { double.answer(.unavailable(.route, reason: "403")) },
                .init("no answer") { double.answer(.ambiguous(reason: "no answer")) },
            ])
    }

    @Test("the route check")
    func routeCheck() async throws {
        let check = ScriptedRouteCheck()
        check.set(elsewhere, to: .gone(reason: "unknown channel"))
        try await RouteCheckConformance(
            check, writable: route, refused: [elsewhere],
            disturb: { check.set(WakerRig.route, to: $0 ? .unknown : .ready(RouteCapabilities())) }
        ).check()
    }

    @Test("the receipt lookup")
    func lookup() async throws {
        let lookup = ScriptedReceiptLookup()
        try await Self.suite(lookup, lookup).check()
    }

    static func suite(_ subject: any ReceiptLookup, _ double: ScriptedReceiptLookup) -> ReceiptLookupConformance {
        ReceiptLookupConformance(
            subject, route: WakerRig.route, now: { ManualMoments().now() },
            put: { order in
                double.put(Receipt(id: "501", source: .history), trailer: order.trailer)
                return "501"
            },
            allowHistory: { double.allowHistory($0) }, disturb: { double.setDown($0) })
    }

    @Test("the epoch source")
    func epochs() async throws {
        let web = RestartTarget.unit("web.service")
        let source = ScriptedEpochSource([web])
        source.happen(.epochObserved(web, .token("a"), settled: true), to: web)
        try await EpochSourceConformance(
            source, target: web, foreign: [.daemon, .exec, .unit("other.service")],
            restart: { source.happen(.epochObserved(web, .token("b"), settled: true), to: web) },
            takeDown: { source.happen(.targetDown(web), to: web) }
        ).check()
    }

    @Test("the readiness source")
    func source() async throws {
        let source = ScriptedReadinessSource()
        try await ReadinessSourceConformance(
            source, begin: { source.becomeReady() },
            interrupt: {
                source.become(.connecting)
                source.becomeReady()
            }
        ).check()
    }

    @Test("the session store")
    func sessions() async throws { try await SessionStoreConformance(InMemorySessionStore()).check() }

    @Test("the restarter")
    func restarter() async throws {
        let (restarter, refuser) = (ScriptedRestarter([.daemon]), ScriptedRestarter([.daemon]))
        let request = try WakerRig().request()
        try await RestarterConformance(
            restarter, works: request, foreign: [.host, .exec], restarts: { restarter.performed.count }
        ).check()
        refuser.answer(.refused(reason: "no"))
        await #expect(throws: BrokenPromise.self) {
            try await RestarterConformance(refuser, works: request, foreign: [], restarts: { 1 }).check()
        }
    }

    @Test("the inbox and the ledger in memory")
    func ledger() async throws {
        let ledger = InMemoryLedger()
        try await InboxConformance(ledger, rows: { try ledger.inbox(after: 0, limit: 100) }).check()
        try LedgerConformance<InMemoryLedger>(
            make: { InMemoryLedger() },
            reopen: { ledger in
                ledger.crash()
                return ledger
            }
        ).check()
    }
}

@Suite("A broken double fails its suite, so the suites can fail", .timeLimit(.minutes(1)))
struct BrokenDoubleTests {
    /// A transport with one fault.
    private struct Faulty: NoticeTransport, ChannelServant {
        enum Fault: CaseIterable { case keepsPermits, sendsTwice, calls429Accepted, hidesArrivals, ignoresRelease }

        let fault: Fault
        let inner: ScriptedNoticeTransport
        var channel: ChannelName { inner.channel }

        func acquirePermit(_ delivery: DeliveryID, over route: Route) async -> Bool {
            if fault == .keepsPermits, inner.calls.count > 20 { return false }
            let isHeld = await inner.acquirePermit(delivery, over: route)
            return fault == .ignoresRelease ? true : isHeld
        }

        func releasePermit(_ delivery: DeliveryID) { inner.releasePermit(delivery) }

        func send(_ order: SendOrder) async -> Outcome {
            let outcome = await inner.send(order)
            switch (fault, outcome) {
            case (.sendsTwice, .accepted): return await inner.send(order)
            case (.calls429Accepted, .transient): return .accepted(Receipt(id: "1", source: .reply))
            case (.hidesArrivals, .unavailable):
                _ = await inner.send(order)
                return outcome
            default: return outcome
            }
        }
    }

    @Test("a transport", arguments: Faulty.Fault.allCases)
    private func transport(fault: Faulty.Fault) async {
        let inner = ScriptedNoticeTransport()
        await #expect(throws: BrokenPromise.self) {
            try await DoubleConformanceTests.suite(Faulty(fault: fault, inner: inner), inner).check()
        }
    }

    @Test("a route check that calls a failed look blocked, and one that calls every place ready")
    func routeCheck() async {
        let elsewhere = Route(channel: .discord(), kind: .channel, destination: "99")
        let check = ScriptedRouteCheck()
        await #expect(throws: BrokenPromise.self) {
            try await RouteCheckConformance(check, writable: WakerRig.route, refused: [elsewhere]).check()
        }
        check.set(elsewhere, to: .blocked(reason: "locked"))
        await #expect(throws: BrokenPromise.self) {
            try await RouteCheckConformance(
                check, writable: WakerRig.route, refused: [elsewhere],
                disturb: { _ in check.set(WakerRig.route, to: .blocked(reason: "no answer")) }
            ).check()
        }
    }

    private struct Blind: ReceiptLookup, ChannelServant {
        let channel = ChannelName.discord()
        let inner: ScriptedReceiptLookup

        func search(_ order: SearchOrder) async -> ReceiptSearch {
            if case .found(let receipt) = await inner.search(order) { .found(receipt) } else { .absent }
        }
    }

    @Test("a lookup that says absent without having read")
    func lookup() async {
        let inner = ScriptedReceiptLookup()
        await #expect(throws: BrokenPromise.self) {
            try await DoubleConformanceTests.suite(Blind(inner: inner), inner).check()
        }
    }

    private struct Stuck: ReadinessSource {
        let channel = ChannelName.discord()

        func run(reportingTo sink: any ReadinessSink) async throws {
            sink.report(channel, .ready(generation: 1))
            sink.report(channel, .connecting)
            sink.report(channel, .ready(generation: 1))
        }
    }

    @Test("a source whose generation does not grow")
    func source() async {
        await #expect(throws: BrokenPromise.self) { try await ReadinessSourceConformance(Stuck(), interrupt: {}).check() }
    }

    private struct Forgetful: TransportSessionStore {
        func loadSession(of channel: ChannelName) async -> String? { nil }
        func storeSession(_ session: String?, of channel: ChannelName) async {}
    }

    @Test("a session store that forgets")
    func sessions() async {
        await #expect(throws: BrokenPromise.self) { try await SessionStoreConformance(Forgetful()).check() }
    }

    private struct Sieve: Inbox {
        let inner: InMemoryLedger

        func append(_ item: InboxItem) throws(WakeError) -> Int64 {
            if case .command = item { 7 } else { try inner.append(item) }
        }
    }

    @Test("an inbox that drops what it does not like")
    func inbox() async {
        let ledger = InMemoryLedger()
        await #expect(throws: BrokenPromise.self) {
            try await InboxConformance(Sieve(inner: ledger), rows: { try ledger.inbox(after: 0, limit: 100) }).check()
        }
    }
}
