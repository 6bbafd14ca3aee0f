import GatewayProtocol
import Testing
import WakeCore

@Suite("A connection, as the server sees it")
struct ServerConnectionTests {
    typealias Directive = ServerConnection.Directive

    static let connect: GatewayFrame = .request(
        GatewayRequest(id: .text("c"), method: "connect", params: ConnectParameters(client: HandshakeTests.client).json))
    static let hello = Hello(
        version: 0, serverVersion: "1", connection: "c1", methods: [], events: [], snapshot: [:], role: "operator", scopes: [])

    enum Stage: CaseIterable { case challenged, verifying, open, busy, draining, closed }

    /// A connection brought to a stage by the way that leads there.
    static func connection(_ stage: Stage) -> ServerConnection {
        var machine = ServerConnection(nonce: "n", at: 17)
        if stage == .challenged { return machine }
        _ = machine.received(connect.bytes)
        if stage == .verifying { return machine }
        _ = machine.admitted(hello)
        if stage == .open { return machine }
        _ = machine.received(ask("1").bytes)
        if stage == .draining { _ = machine.stopping(GatewayEvent("shutdown")) }
        if stage == .closed { _ = machine.close(.normal) }
        return machine
    }

    static func ask(_ id: String, _ method: String = "health") -> GatewayFrame {
        .request(GatewayRequest(id: .text(id), method: method))
    }

    /// A directive in a word or two.
    static func word(_ directive: Directive) -> String {
        switch directive {
        case .send(.event(let event)): "event \(event.name)\(event.seq.map { " \($0)" } ?? "")"
        case .send(.response(let answer)):
            switch answer.result {
            case .success: "ok \(answer.id)"
            case .failure(let fault): "\(fault.code) \(answer.id)"
            }
        case .send: "?"
        case .verify: "verify"
        case .allowLargeFrames: "large"
        case .perform(let request): "perform \(request.id)"
        case .cancel(let id): "cancel \(id)"
        case .close(let close): "close \(close)"
        }
    }

    static let mismatch: GatewayFrame = .request(
        GatewayRequest(
            id: .text("c"), method: "connect",
            params: ConnectParameters(minProtocol: 5, maxProtocol: 9, client: HandshakeTests.client).json))

    /// What can happen, and what comes of it in each stage: challenged, verifying, open, busy (request 1 under way), draining (the same).
    static let table: [(String, @Sendable (inout ServerConnection) -> [Directive], [String])] = [
        (
            "connect", { $0.received(connect.bytes) },
            [
                "verify", "close 1008 invalid frame: a frame came before the answer to connect", "INVALID_REQUEST c",
                "INVALID_REQUEST c", "UNAVAILABLE c",
            ]
        ),
        (
            "connect of version 5", { $0.received(mismatch.bytes) },
            [
                "INVALID_REQUEST c, close 1002 protocol mismatch",
                "close 1008 invalid frame: a frame came before the answer to connect", "INVALID_REQUEST c", "INVALID_REQUEST c",
                "UNAVAILABLE c",
            ]
        ),
        (
            "a request", { $0.received(ask("2").bytes) },
            [
                "INVALID_REQUEST 2, close 1008 invalid frame: the first frame must be connect",
                "close 1008 invalid frame: a frame came before the answer to connect", "perform 2", "perform 2", "UNAVAILABLE 2",
            ]
        ),
        (
            "a request with the id of another", { $0.received(ask("1").bytes) },
            [
                "INVALID_REQUEST 1, close 1008 invalid frame: the first frame must be connect",
                "close 1008 invalid frame: a frame came before the answer to connect", "perform 1", "INVALID_REQUEST 1",
                "UNAVAILABLE 1",
            ]
        ),
        (
            "cancel", { $0.received(GatewayFrame.cancel(.text("1")).bytes) },
            [
                "close 1008 invalid frame: the first frame must be connect",
                "close 1008 invalid frame: the first frame must be connect", "", "cancel 1", "cancel 1",
            ]
        ),
        (
            "an event", { $0.received(GatewayFrame.event(GatewayEvent("x")).bytes) },
            [
                "close 1008 invalid frame: the first frame must be connect",
                "close 1008 invalid frame: the first frame must be connect", "", "", "",
            ]
        ),
        (
            "a bad frame with an id", { $0.received(Array(#"{"id":"9"}"#.utf8)) },
            [
                "close 1008 invalid frame: the frame has no \"type\"", "close 1008 invalid frame: the frame has no \"type\"",
                "INVALID_REQUEST 9", "INVALID_REQUEST 9", "INVALID_REQUEST 9",
            ]
        ),
        (
            "a bad frame without", { $0.received(Array("[]".utf8)) },
            Array(repeating: "close 1008 invalid frame: the frame is no JSON object", count: 5)
        ),
        (
            "more than 64 KiB", { $0.received([UInt8](repeating: 0x20, count: 65_537) + ask("2").bytes) },
            [
                "close 1009 a frame is over the limit of 65536 bytes", "close 1009 a frame is over the limit of 65536 bytes",
                "perform 2", "perform 2", "UNAVAILABLE 2",
            ]
        ),
        (
            "binary", { $0.receivedUnreadable(isBinary: true) },
            Array(repeating: "close 1003 frames must be text", count: 5)
        ),
        (
            "no UTF-8", { $0.receivedUnreadable(isBinary: false) },
            Array(repeating: "close 1007 frames must be UTF-8", count: 5)
        ),
        ("goodbye", { $0.peerLeft() }, Array(repeating: "close 1000 goodbye", count: 5)),
        ("let in", { $0.admitted(hello) }, ["", "large, ok c", "", "", ""]),
        (
            "not let in", { $0.refused(GatewayFault(.notPaired, "x"), close: .pairingRequired) },
            ["", "NOT_PAIRED c, close 1008 pairing required", "", "", ""]
        ),
        ("answered", { $0.answered(.text("1"), .success(nil)) }, ["", "", "", "ok 1", "ok 1, close 1012 service restart"]),
        ("another answered", { $0.answered(.text("7"), .success(nil)) }, ["", "", "", "", ""]),
        ("news", { $0.published(GatewayEvent("x")) }, ["", "", "event x 1", "event x 1", "event x 2"]),
        (
            "time is over", { $0.handshakeTimedOut() },
            ["close 1008 handshake timeout", "close 1008 handshake timeout", "", "", ""]
        ),
        (
            "a stop", { $0.stopping(GatewayEvent("shutdown")) },
            [
                "close 1012 service restart", "close 1012 service restart", "event shutdown 1, close 1012 service restart",
                "event shutdown 1", "",
            ]
        ),
        ("the end", { $0.close(.slowConsumer) }, Array(repeating: "close 1008 slow consumer", count: 5)),
    ]

    @Test("every input in every state has its answer, and after the close there is none", arguments: table.indices)
    func transcript(_ index: Int) {
        let (name, input, expected) = Self.table[index]
        for (stage, words) in zip(Stage.allCases, expected + [""]) {
            var machine = Self.connection(stage)
            let directives = input(&machine)
            #expect(directives.map(Self.word).joined(separator: ", ") == words, "\(name) when \(stage)")
            let hasClosed = directives.contains { if case .close = $0 { true } else { false } }
            #expect((machine.state == .closed) == (hasClosed || stage == .closed), "\(name) when \(stage)")
            if hasClosed {
                #expect(Self.table.allSatisfy { $0.1(&machine).isEmpty }, "after \(name) when \(stage)")
                #expect(machine.underWay.isEmpty)
            }
        }
    }

    @Test("the challenge comes first, with a nonce and the time")
    func challenge() {
        let machine = ServerConnection(nonce: "n", at: 17)
        #expect(machine.begin() == [.send(.event(GatewayEvent("connect.challenge", payload: ["nonce": "n", "ts": 17])))])
    }

    @Test("the newest version that both speak is spoken", arguments: [(3, 4, 4), (1, 3, 3), (4, 9, 4), (3, 3, 3)])
    func version(oldest: Int64, newest: Int64, spoken: Int64) throws {
        var machine = ServerConnection(nonce: "n", at: 17)
        let params = ConnectParameters(minProtocol: oldest, maxProtocol: newest, client: HandshakeTests.client).json
        _ = machine.received(GatewayFrame.request(GatewayRequest(id: .number(1), method: "connect", params: params)).bytes)
        guard case .send(.response(let answer)) = machine.admitted(Self.hello).last, case .success(let payload) = answer.result
        else {
            Issue.record("no hello")
            return
        }
        #expect(payload?["protocol"]?.integer == spoken && answer.id == .number(1))
    }

    @Test("no version in common, versions upside down, another role, or bad params: an answer that says so, then the close")
    func noConnect() {
        let client = HandshakeTests.client
        for (params, close) in [
            (ConnectParameters(minProtocol: 1, maxProtocol: 2, client: client).json, 1002),
            (ConnectParameters(minProtocol: 4, maxProtocol: 3, client: client).json, 1002),
            (ConnectParameters(client: client, role: "node").json, 1008), (["minProtocol": "x"], 1008),
        ] as [(JSONValue, UInt16)] {
            var machine = ServerConnection(nonce: "n", at: 17)
            let said = machine.received(
                GatewayFrame.request(GatewayRequest(id: .text("c"), method: "connect", params: params)).bytes)
            #expect(said.count == 2 && said.first.map(Self.word) == "INVALID_REQUEST c")
            guard case .close(let reason) = said.last else {
                Issue.record("no close")
                continue
            }
            #expect(reason.code == close && !reason.reason.isEmpty)
        }
    }

    @Test("64 requests may be under way at once; the next is told to come later, and goes when one is done")
    func manyRequests() {
        var machine = Self.connection(.open)
        for number in 0..<64 { #expect(machine.received(Self.ask("\(number)").bytes).map(Self.word) == ["perform \(number)"]) }
        guard case .send(.response(let answer)) = machine.received(Self.ask("x").bytes).first,
            case .failure(let fault) = answer.result
        else {
            Issue.record("taken")
            return
        }
        #expect(fault.code == .unavailable && fault.isRetryable == true && (fault.retryAfterMilliseconds ?? 0) > 0)
        _ = machine.answered(.text("5"), .success(nil))
        #expect(machine.received(Self.ask("x").bytes).map(Self.word) == ["perform x"])
    }

    @Test("news is numbered for each client, without a gap")
    func numbered() {
        var machine = Self.connection(.open)
        for number in 1...100 { #expect(machine.published(GatewayEvent("x")).map(Self.word) == ["event x \(number)"]) }
    }
}
