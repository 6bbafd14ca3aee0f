import GatewayProtocol
import Testing
import WakeCore

@Suite("A connection, as the client sees it")
struct ClientConnectionTests {
    typealias Directive = ClientConnection.Directive

    static let challenge = GatewayFrame.event(GatewayEvent("connect.challenge", payload: ["nonce": "n", "ts": 17]))
    static let connect = ConnectParameters(client: HandshakeTests.client)

    enum Stage: CaseIterable { case unchallenged, proving, greeting, open, busy, closed }

    static func hello(version: Int64 = 4, tick: Int64 = 1_000) -> Hello {
        Hello(
            version: version, serverVersion: "1", connection: "c", methods: [], events: [], snapshot: [:], role: "operator",
            scopes: [], tickIntervalMilliseconds: tick)
    }

    static func ok(_ id: String, _ payload: JSONValue?) -> GatewayFrame {
        .response(GatewayResponse(id: .text(id), result: .success(payload)))
    }

    static func no(_ id: String, _ fault: GatewayFault) -> GatewayFrame {
        .response(GatewayResponse(id: .text(id), result: .failure(fault)))
    }

    /// A connection brought to a stage by the way that leads there; `connect` is 1, the request under way 2.
    static func connection(_ stage: Stage, expectsFinal: Bool = false) -> ClientConnection {
        var machine = ClientConnection(at: 0)
        if stage == .unchallenged { return machine }
        _ = machine.received(challenge, at: 0)
        if stage == .proving { return machine }
        _ = machine.proven(connect)
        if stage == .greeting { return machine }
        _ = machine.received(ok("1", hello().json), at: 0)
        if stage == .open { return machine }
        _ = machine.asked("health", expectsFinal: expectsFinal)
        if stage == .closed { _ = machine.leave() }
        return machine
    }

    /// A directive in a word or two.
    static func word(_ directive: Directive) -> String {
        switch directive {
        case .prove(let nonce, let challengedAt): "prove \(nonce) \(challengedAt.map(String.init) ?? "-")"
        case .send(.request(let request)): "send \(request.method) \(request.id)"
        case .send(.cancel(let id)): "cancel \(id)"
        case .send: "?"
        case .greet(let hello): "greet \(hello.version)"
        case .giveUp(let mishap): "giveUp \(mishap)"
        case .accept(let id, _): "accept \(id)"
        case .answer(let id, .success): "ok \(id)"
        case .answer(let id, .failure(let fault)): "\(fault.code) \(id)"
        case .cutOff(let id, let mayBeAccepted): "cutOff \(id)\(mayBeAccepted ? "?" : "")"
        case .news(let event): "news \(event.name)"
        case .close(let close): "close \(close)"
        case .end(let close): "end \(close.code)"
        }
    }

    static let wrongVersion = "the gateway speaks another version of the protocol than ours (3 to 4): it chose version 5"
    static let restart = "the gateway closed the connection (1012 service restart)"
    static let broken = "the connection ended without a close frame"

    /// What can happen, and what comes of it in each stage: unchallenged, proving, greeting, open, busy (2 under way).
    static let table: [(String, @Sendable (inout ClientConnection) -> [Directive], [String])] = [
        ("challenge", { $0.received(challenge, at: 1) }, ["prove n 17", "", "", "", ""]),
        (
            "bad challenge", { $0.received(.event(GatewayEvent("connect.challenge")), at: 1) },
            [
                "close 1008 invalid frame: a challenge without a nonce, giveUp the gateway's challenge has no nonce, end 1008",
                "", "", "", "",
            ]
        ),
        ("proven", { $0.proven(connect) }, ["", "send connect 1", "", "", ""]),
        ("hello", { $0.received(ok("1", hello(version: 3).json), at: 1) }, ["", "", "greet 3", "", ""]),
        (
            "no hello", { $0.received(ok("1", [:]), at: 1) },
            ["", "", "close 1008 invalid frame: no hello, giveUp the gateway's answer to connect is no hello, end 1008", "", ""]
        ),
        (
            "foreign hello", { $0.received(ok("1", hello(version: 5).json), at: 1) },
            ["", "", "close 1002 protocol mismatch, giveUp \(wrongVersion), end 1002", "", ""]
        ),
        (
            "refusal", { $0.received(no("1", GatewayFault(.notPaired, "who?")), at: 1) },
            ["", "", "close 1000 goodbye, giveUp NOT_PAIRED: who?, end 1000", "", ""]
        ),
        ("answer", { $0.received(ok("2", nil), at: 1) }, ["", "", "", "", "ok 2"]),
        ("fault", { $0.received(no("2", .restarting()), at: 1) }, ["", "", "", "", "UNAVAILABLE 2"]),
        ("stray answer", { $0.received(ok("77", nil), at: 1) }, ["", "", "", "", ""]),
        ("news", { $0.received(.event(GatewayEvent("tick")), at: 1) }, ["", "", "", "news tick", "news tick"]),
        ("a riddle", { $0.received(nil, at: 1) }, ["", "", "", "", ""]),
        (
            "binary", { $0.receivedBinary() },
            Array(
                repeating:
                    "close 1003 frames must be text, giveUp the gateway closed the connection (1003 frames must be text), end 1003",
                count: 3) + ["close 1003 frames must be text, end 1003", "close 1003 frames must be text, cutOff 2?, end 1003"]
        ),
        (
            "1012", { $0.gatewayLeft(.serviceRestart) },
            Array(repeating: "giveUp \(restart), end 1012", count: 3) + ["end 1012", "cutOff 2?, end 1012"]
        ),
        (
            "reset", { $0.gatewayLeft(GatewayClose(1006, "")) },
            Array(repeating: "giveUp \(broken), end 1006", count: 3) + ["end 1006", "cutOff 2?, end 1006"]
        ),
        (
            "handshake time over", { $0.handshakeTimedOut() },
            [
                "close 1008 connect challenge timeout, giveUp the gateway sent no challenge in time, end 1008",
                "close 1008 handshake timeout, giveUp the gateway did not finish the handshake in time, end 1008",
                "close 1008 handshake timeout, giveUp the gateway did not finish the handshake in time, end 1008", "", "",
            ]
        ),
        (
            "no tick", { $0.ticksAwaited(at: 2_000) },
            ["", "", "", "close 4000 tick timeout, end 4000", "close 4000 tick timeout, cutOff 2?, end 4000"]
        ),
        ("a tick later", { $0.ticksAwaited(at: 1_999) }, ["", "", "", "", ""]),
        ("nobody waits", { $0.cancelled(.text("2")) }, ["", "", "", "", "cancel 2"]),
    ]

    @Test("each fact in each stage does what stands in the table, and nothing once it is over", arguments: Self.table.indices)
    func facts(index: Int) {
        let (what, happen, expected) = Self.table[index]
        for (stage, words) in zip(Stage.allCases, expected + [""]) {
            var machine = Self.connection(stage)
            let directives = happen(&machine)
            #expect(directives.map(Self.word).joined(separator: ", ") == words, "\(what) in \(stage)")
            if directives.contains(where: { if case .end = $0 { true } else { false } }) {
                #expect(machine.state == .closed && machine.closed != nil && machine.underWayCount == 0)
            }
        }
    }

    @Test("nothing can be asked before the hello and after the end")
    func asking() {
        for stage in Stage.allCases {
            var machine = Self.connection(stage)
            #expect((machine.asked("health") != nil) == (stage == .open || stage == .busy), "\(stage)")
        }
    }

    @Test("answers find their questions in any order; a second answer is passed over")
    func order() {
        var machine = Self.connection(.open)
        let ids = (0..<3).compactMap { _ in machine.asked("health")?.id }
        #expect(ids.map(\.description) == ["2", "3", "4"])
        let words = ["4", "2", "4", "3"].flatMap { machine.received(Self.ok($0, nil), at: 1).map(Self.word) }
        #expect(words == ["ok 4", "ok 2", "ok 3"] && machine.underWayCount == 0)
    }

    @Test("who expects the final answer hears first that it is accepted; who does not takes the first")
    func final() {
        let accepted = Self.ok("2", ["status": "accepted", "runId": "r"])
        var patient = Self.connection(.busy, expectsFinal: true)
        #expect(patient.received(accepted, at: 1).map(Self.word) == ["accept 2"])
        // What it says then is the answer, whatever it says.
        #expect(patient.received(accepted, at: 2).map(Self.word) == ["ok 2"])
        var hasty = Self.connection(.busy)
        #expect(hasty.received(accepted, at: 1).map(Self.word) == ["ok 2"])
        #expect(hasty.received(Self.ok("2", ["status": "done"]), at: 2).isEmpty)
        for early in [Self.ok("2", ["status": "done"]), Self.no("2", .restarting())] {
            var machine = Self.connection(.busy, expectsFinal: true)
            #expect(machine.received(early, at: 1).count == 1 && machine.underWayCount == 0)
        }
    }

    @Test("an announced end names what was taken: the rest was never accepted")
    func announced() {
        var machine = Self.connection(.busy, expectsFinal: true)
        _ = machine.asked("cron.list")
        _ = machine.asked("cron.run")
        let shutdown = GatewayEvent("shutdown", payload: ["restartExpectedMs": 300, "underWay": ["3"]], seq: 1)
        #expect(machine.received(.event(shutdown), at: 1).map(Self.word) == ["news shutdown"])
        #expect(machine.restartExpectedMilliseconds == 300 && machine.shutdown == shutdown)
        let words = machine.gatewayLeft(.serviceRestart).map(Self.word)
        #expect(words == ["cutOff 2", "cutOff 3?", "cutOff 4", "end 1012"])
    }

    @Test("what the gateway has promised to answer was accepted, whatever it names at its end")
    func promised() {
        var machine = Self.connection(.busy, expectsFinal: true)
        _ = machine.received(Self.ok("2", ["status": "accepted"]), at: 1)
        _ = machine.received(.event(GatewayEvent("shutdown", payload: ["underWay": []])), at: 1)
        #expect(machine.gatewayLeft(.serviceRestart).map(Self.word) == ["cutOff 2?", "end 1012"])
    }

    @Test("anything that is heard is as good as a tick")
    func ticks() {
        var machine = Self.connection(.open)
        #expect(machine.tickDue == 2_000)
        _ = machine.received(nil, at: 1_500)
        #expect(machine.tickDue == 3_500)
        #expect(machine.ticksAwaited(at: 2_000).isEmpty)
        #expect(machine.ticksAwaited(at: 3_500).map(Self.word) == ["close 4000 tick timeout", "end 4000"])
        #expect(machine.tickDue == nil)
    }
}
