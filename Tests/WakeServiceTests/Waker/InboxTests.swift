import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The waker reads its inbox", .timeLimit(.minutes(1)))
struct InboxTests {
    @Test("a row that can't be read is set aside with the reason, and those after it are applied")
    func unreadable() async throws {
        let rig = WakerRig()
        _ = try rig.ledger.append(.unreadable(reason: "written by a newer version"))
        try rig.ledger.append(rig.request())
        try await rig.life { _ in await rig.log.line(.sentinelArmed) }
        #expect(rig.ledger.tables.refused.map(\.reason) == ["written by a newer version"])
        #expect(rig.ledger.tables.inbox.isEmpty)
    }

    @Test("everything in the inbox is applied before the waker says that it has recovered")
    func recovered() async throws {
        let rig = WakerRig()
        for number in 1...300 { try rig.ledger.append(rig.request(UInt64(number), delay: .seconds(60))) }
        try await rig.life { _ in
            #expect(rig.ledger.tables.inbox.isEmpty && rig.ledger.tables.sentinels.count == 300)
        }
    }

    @Test("an operator's retry brings an ended wake back from the ledger, under a new nonce")
    func retryEnded() async throws {
        let rig = WakerRig()
        rig.transport.answer(.permanent(reason: "unknown channel"))
        try await rig.held { waker, id in
            rig.openGate()
            await rig.log.line(.wakeEnded)
            #expect(rig.state(of: id) == "dead")
            _ = try rig.ledger.append(.command(.retryWake(id.wake)))
            waker.inboxMayHaveChanged()
            await rig.log.line(.wakeEnded, 2)
            #expect(rig.state(of: id) == "delivered")
        }
        #expect(Set(rig.transport.sent.map(\.nonce)).count == 2)
    }

    @Test("a command for a wake that nobody knows is refused, said, and gone from the inbox")
    func unknownWake() async throws {
        let rig = WakerRig()
        _ = try rig.ledger.append(.command(.cancelWake(Identifier(high: 9, low: 9))))
        try await rig.life { _ in
            let line = await rig.log.line(.commandRefused)
            #expect(line.reason == "no wake has this id")
        }
        #expect(rig.ledger.tables.inbox.isEmpty)
    }

    @Test("a cancelled sentinel restarts nothing when its time comes")
    func cancelled() async throws {
        let rig = WakerRig()
        try await rig.life { waker in
            let request = try rig.request(delay: .seconds(5))
            try rig.ledger.append(request)
            _ = try rig.ledger.append(.command(.cancelSentinel(request.id)))
            waker.inboxMayHaveChanged()
            await rig.log.line(.sentinelCancelled)
            rig.moments.advance(by: .seconds(5))
            waker.post(.clockSynchronised)
        }
        #expect(rig.restarter.performed.isEmpty)
    }
}

@Suite("The waker carries out restarts", .timeLimit(.minutes(1)))
struct RestartTests {
    @Test("a restarter that refuses leaves an honest sentinel, and the session is told")
    func refused() async throws {
        let rig = WakerRig()
        rig.restarter.answer(.refused(reason: "polkit says no"))
        try await rig.life { waker in
            try rig.ledger.append(rig.request())
            rig.openGate()
            waker.inboxMayHaveChanged()
            await rig.log.line(.wakeEnded)
        }
        #expect(rig.ledger.tables.sentinels[Identifier(high: 1, low: 1)]?.state == .notRestarted(reason: "polkit says no"))
        #expect(rig.transport.sent[0].text.contains("did not happen") && rig.transport.sent[0].text.contains("polkit says no"))
    }

    @Test(
        "a command's result is told to the session",
        arguments: [(Int32(0), "fired", "ended well"), (3, "targetFailed", "exit code 3")])
    func command(code: Int32, state: String, words: String) async throws {
        let rig = WakerRig()
        rig.restarter.answer(.commandEnded(.exited(code: code)))
        try await rig.life { waker in
            try rig.ledger.append(rig.request(target: .exec, command: ["true"]))
            rig.openGate()
            waker.inboxMayHaveChanged()
            await rig.log.line(.wakeEnded)
        }
        #expect(rig.ledger.tables.sentinels[Identifier(high: 1, low: 1)]?.stateName == state)
        #expect(rig.transport.sent.count == 1 && rig.transport.sent[0].text.contains(words))
    }

    @Test("a target that nothing here can restart is refused, with the target's name")
    func nobody() async throws {
        let sentinel = Sentinel(try WakerRig().request(target: .host), epoch: nil, at: ManualMoments().now())
        let event = await RestartCoordinator([ScriptedRestarter([.daemon])]).perform(sentinel)
        #expect(event == .restartRefused(sentinel.id, reason: "nothing here can restart host"))
    }

    @Test("the first restarter that knows the target is asked, and no other")
    func first() async throws {
        let sentinel = Sentinel(try WakerRig().request(), epoch: nil, at: ManualMoments().now())
        let restarters = [ScriptedRestarter([.exec]), ScriptedRestarter([.daemon]), ScriptedRestarter([.daemon])]
        #expect(await RestartCoordinator(restarters).perform(sentinel) == nil)
        #expect(restarters.map(\.performed.count) == [0, 1, 0])
    }
}
