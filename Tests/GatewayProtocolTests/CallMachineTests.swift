import GatewayProtocol
import Testing
import WakeCore

@Suite("One call, through restarts")
struct CallMachineTests {
    private static let none = UnitFraction(0)
    private static let key: JSONValue = ["idempotencyKey": "k"]

    /// A machine whose request is sent at 0.
    private static func sent(_ params: JSONValue? = nil) -> CallMachine {
        var machine = CallMachine(params: params, at: 0)
        _ = machine.greeted(.instance("one"), at: 0, jitter: none)
        return machine
    }

    private static func code(_ directive: CallMachine.Directive) -> GatewayError.Code? {
        guard case .end(.failure(let error)) = directive else { return nil }
        return error.code
    }

    /// What each close code means: before hello, after it with the request under way, and the same with an idempotency key. nil: again.
    static let closeTable: [(GatewayClose, GatewayError.Code?, GatewayError.Code?, GatewayError.Code?)] = [
        (GatewayClose(1000, ""), nil, .unclear, nil),
        (GatewayClose(1001, "going away"), nil, .unclear, nil),
        (.protocolMismatch, .protocolMismatch, .unclear, .unclear),
        (.notText, .failed, .failed, .failed),
        (GatewayClose(1005, ""), nil, .unclear, nil),
        (GatewayClose(1006, ""), nil, .unclear, nil),
        (.notUTF8, .failed, .failed, .failed),
        (.handshakeTimeout, nil, .unclear, nil),
        (.unauthorized("token"), .denied, .unclear, .unclear),
        (.pairingRequired, .denied, .unclear, .unclear),
        (.invalid("role"), .invalidRequest, .unclear, .unclear),
        (.slowConsumer, nil, .unclear, nil),
        (.tooLarge(1), .invalidRequest, .invalidRequest, .invalidRequest),
        (GatewayClose(1011, "oops"), .failed, .unclear, .unclear),
        (.serviceRestart, nil, .unclear, nil),
        (.gatewayStarting, nil, .unclear, nil),
        (.tickTimeout, nil, .unclear, nil),
        (GatewayClose(4008, "connect failed"), .failed, .unclear, .unclear),
    ]

    @Test("each close code is waited out, told, or left unclear, as it stands in the table", arguments: Self.closeTable.indices)
    func closes(index: Int) {
        let (close, before, after, withKey) = Self.closeTable[index]
        for params in [nil, Self.key] {
            var early = CallMachine(params: params, at: 0)
            #expect(Self.code(early.failed(.closed(close), at: 0, jitter: Self.none)) == before, "\(close) before hello")
            // The connection ended between the hello and the request: nothing had left.
            var unsent = Self.sent(params)
            let directive = unsent.failed(.closed(close), mayBeAccepted: false, at: 0, jitter: Self.none)
            #expect(Self.code(directive) == before, "\(close) before the request")
        }
        var plain = Self.sent()
        #expect(Self.code(plain.failed(.closed(close), at: 0, jitter: Self.none)) == after, "\(close) after it")
        var keyed = Self.sent(Self.key)
        #expect(Self.code(keyed.failed(.closed(close), at: 0, jitter: Self.none)) == withKey, "\(close) after it, with a key")
    }

    @Test("waits are 150, 350, 750, 1500 ms and then on, lengthened by chance up to a fifth, within the budget")
    func schedule() {
        for (chance, expected) in [
            (0.0, [150, 350, 750, 1_500, 1_500, 1_500, 1_500, 1_500]), (0.5, [165, 385, 825, 1_650, 1_650, 1_650, 1_650, 1_650]),
        ] {
            var machine = CallMachine(params: nil, at: 0)
            var now: Int64 = 0
            var waits: [Int64] = []
            #expect(machine.begin() == .connect(until: 10_000))
            while case .wait(let due, _) = machine.failed(.notListening("nobody"), at: now, jitter: UnitFraction(chance)) {
                waits.append(due - now)
                now = due
                #expect(machine.waited(at: now) == .connect(until: 10_000))
            }
            #expect(waits == expected.map { Int64($0) })
            #expect(machine.state == .ended && now < 10_000)
        }
    }

    @Test(
        "retryAfterMs is obeyed between 100 and 2000 ms",
        arguments: [(1, 100), (100, 100), (500, 500), (2_000, 2_000), (9_000, 2_000)])
    func retryAfter(told: Int64, waited: Int64) {
        for isSent in [false, true] {
            var machine = isSent ? Self.sent() : CallMachine(params: nil, at: 0)
            let fault = GatewayFault.restarting(retryAfterMilliseconds: told)
            guard case .wait(let due, _) = machine.failed(isSent ? .fault(fault) : .notLetIn(fault), at: 0, jitter: Self.none)
            else {
                Issue.record("not waited")
                continue
            }
            #expect(due == waited)
        }
    }

    @Test(
        "a fault that says it has taken nothing is waited out, whatever its words",
        arguments: [
            GatewayFault(.unavailable, "", details: ["reason": "startup-sidecars"]),
            GatewayFault(.unavailable, "", details: ["reason": "gateway-starting"]),
            GatewayFault(.unavailable, "", details: ["reason": "gateway-restarting"]),
            GatewayFault(GatewayFault.Code("SOMETHING_NEW"), "", isRetryable: true, retryAfterMilliseconds: 200),
        ])
    func waitedOut(fault: GatewayFault) {
        var machine = Self.sent()
        guard case .wait = machine.failed(.fault(fault), at: 0, jitter: Self.none) else {
            Issue.record("not waited")
            return
        }
    }

    @Test(
        "every other fault is the answer",
        arguments: [
            (GatewayFault(.invalidRequest, "", isRetryable: true, retryAfterMilliseconds: 1), GatewayError.Code.invalidRequest),
            (GatewayFault(.forbidden, "", isRetryable: true, retryAfterMilliseconds: 1), .denied),
            (GatewayFault(.notPaired, "", isRetryable: true, retryAfterMilliseconds: 1), .denied),
            (GatewayFault(.unavailable, "", details: ["reason": "disk-full"]), .unavailable),
            (GatewayFault(.unavailable, "", isRetryable: true), .unavailable),
            (GatewayFault(.agentTimeout, ""), .unclear),
            (GatewayFault(.notLinked, ""), .failed),
        ])
    func answers(fault: GatewayFault, code: GatewayError.Code) {
        for params in [nil, Self.key] {
            var machine = Self.sent(params)
            #expect(Self.code(machine.failed(.fault(fault), at: 0, jitter: Self.none)) == code)
        }
    }

    @Test("a rate limit is kept to the millisecond, or told when there is no time for it")
    func rateLimit() {
        func fault(_ wait: Int64) -> GatewayFault {
            GatewayFault(
                .unavailable, "30 calls", details: ["reason": "rate-limited"], isRetryable: true, retryAfterMilliseconds: wait)
        }
        var patient = Self.sent()
        guard case .wait(7_000, _) = patient.failed(.fault(fault(7_000)), at: 0, jitter: UnitFraction(0.9)) else {
            Issue.record("not waited")
            return
        }
        var hasty = Self.sent()
        guard case .end(.failure(let error)) = hasty.failed(.fault(fault(42_500)), at: 0, jitter: Self.none) else {
            Issue.record("not told")
            return
        }
        #expect(error.code == .unavailable && error.message.hasSuffix("for 42.5 s"))
    }

    @Test("what was accepted is never asked again for a fault, and a fault then does not claim that nothing was done")
    func accepted() {
        for params in [nil, Self.key] {
            var machine = Self.sent(params)
            machine.accepted()
            #expect(Self.code(machine.failed(.fault(.restarting()), at: 1, jitter: Self.none)) == .unclear)
            var refused = Self.sent(params)
            refused.accepted()
            let fault = GatewayMishap.fault(GatewayFault(.invalidRequest, "no"))
            #expect(Self.code(refused.failed(fault, at: 1, jitter: Self.none)) == .invalidRequest)
        }
        // Only what this connection has accepted: the next one begins anew.
        var machine = Self.sent(Self.key)
        machine.accepted()
        #expect(Self.code(machine.failed(.closed(.serviceRestart), at: 1, jitter: Self.none)) == nil)
        _ = machine.waited(at: 200)
        _ = machine.greeted(.instance("two"), at: 200, jitter: Self.none)
        #expect(Self.code(machine.failed(.fault(.restarting()), at: 201, jitter: Self.none)) == nil)
        #expect(machine.state == .waiting)
    }

    @Test("once a request was cut off, no later failure claims that nothing was carried out")
    func staysUnclear() {
        let laters: [GatewayMishap] = [
            .notListening("nobody"), .notLetIn(GatewayFault(.forbidden, "no")), .closed(.unauthorized("token")),
            .impossible(GatewayError(.unreachable, "no")),
        ]
        for later in laters {
            var machine = Self.sent(Self.key)
            _ = machine.failed(.closed(.serviceRestart), at: 0, jitter: Self.none)
            _ = machine.waited(at: 9_950)
            #expect(Self.code(machine.failed(later, at: 9_950, jitter: Self.none)) == .unclear, "\(later)")
        }
        var silent = Self.sent(Self.key)
        _ = silent.failed(.closed(.serviceRestart), at: 0, jitter: Self.none)
        _ = silent.waited(at: 150)
        #expect(Self.code(silent.timedOut()) == .unclear)
    }

    @Test("silence before the request is unavailable, after it unclear")
    func silence() {
        var early = CallMachine(params: nil, at: 0)
        #expect(Self.code(early.timedOut()) == .unavailable)
        var late = Self.sent()
        #expect(Self.code(late.timedOut()) == .unclear)
    }

    @Test(
        "a life that announced its end does not count when it greets again; the next one does, and so does one that tells no life"
    )
    func epochs() {
        for (first, again, next) in [
            (GatewayEpoch.instance("one"), GatewayEpoch.instance("one"), GatewayEpoch.instance("two")),
            (.startedAt(1_000), .startedAt(2_900), .startedAt(3_001)),
        ] {
            var machine = CallMachine(params: nil, at: 0)
            #expect(machine.greeted(first, at: 0, jitter: Self.none) == .send(until: 10_000))
            machine.shutdownAnnounced()
            _ = machine.failed(.fault(.restarting()), at: 0, jitter: Self.none)
            _ = machine.waited(at: 500)
            guard case .wait = machine.greeted(again, at: 500, jitter: Self.none) else {
                Issue.record("\(again)")
                return
            }
            _ = machine.waited(at: 1_000)
            #expect(machine.greeted(next, at: 1_000, jitter: Self.none) == .send(until: 10_000))
            #expect(machine.answered(["ok": true]) == .end(.success(["ok": true])))
        }
        var silent = Self.sent()
        silent.shutdownAnnounced()
        _ = silent.failed(.fault(.restarting()), at: 0, jitter: Self.none)
        _ = silent.waited(at: 500)
        #expect(silent.greeted(nil, at: 500, jitter: Self.none) == .send(until: 10_000))
    }

    @Test("a gateway's life is told by its name, else by when it started")
    func lives() {
        #expect(GatewayEpoch(["instance": "x", "uptimeMs": 5], at: 100) == .instance("x"))
        #expect(GatewayEpoch(["uptimeMs": 5], at: 100) == .startedAt(95))
        #expect(GatewayEpoch([:], at: 100) == nil)
        #expect(!GatewayEpoch.instance("x").isSame(as: .startedAt(1)))
    }
}
