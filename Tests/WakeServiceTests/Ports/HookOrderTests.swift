import Testing
import WakeCore
import WakeService
import WakeTesting

/// Hooks that answer as they are told, once they are let go on.
private struct ScriptedHooks: Hooks {
    let answer: String?
    let told = Witness<[HookOccasion]>([])
    var waitsForStop = false

    func beforeRestart(_ occasion: HookOccasion) async -> String? {
        told.change { $0.append(occasion) }
        while waitsForStop, !Task.isCancelled { await Task.yield() }
        return answer
    }

    func afterWake(_ occasion: HookOccasion) async {}
}

@Suite("Hooks come before the restart")
struct HookOrderTests {
    private static func sentinel() throws -> Sentinel {
        let now = ManualMoments().now()
        return Sentinel(
            RestartRequest(
                id: Identifier(high: 1, low: 1), session: try SessionKey("agent:infra:discord:channel:1234"), note: "go on",
                target: .unit("nginx.service"), requestedAt: now), epoch: nil, at: now)
    }

    @Test("they are told the restart, and it begins when they let it")
    func passing() async throws {
        let (hooks, restarter) = (ScriptedHooks(answer: nil), ScriptedRestarter([.unit("nginx.service")]))
        let sentinel = try Self.sentinel()
        #expect(await RestartCoordinator([restarter], hooks: hooks).perform(sentinel) == nil)
        #expect(restarter.performed == [sentinel])
        let occasion = try #require(hooks.told.value.first)
        #expect(occasion.sentinels == [sentinel.id] && occasion.session == sentinel.session && occasion.note == "go on")
        #expect(occasion.target == sentinel.target && occasion.wake == nil)
    }

    @Test("what they refuse is not restarted, and the session hears their reason")
    func refusing() async throws {
        let (hooks, restarter) = (ScriptedHooks(answer: "the disk is full"), ScriptedRestarter([.unit("nginx.service")]))
        let sentinel = try Self.sentinel()
        let event = await RestartCoordinator([restarter], hooks: hooks).perform(sentinel)
        #expect(event == .restartRefused(sentinel.id, reason: "the disk is full") && restarter.performed.isEmpty)
    }

    @Test("what nobody here can restart runs no hook")
    func foreign() async throws {
        let hooks = ScriptedHooks(answer: nil)
        guard case .restartRefused = await RestartCoordinator([], hooks: hooks).perform(try Self.sentinel()) else {
            Issue.record("it was not refused")
            return
        }
        #expect(hooks.told.value.isEmpty)
    }

    @Test("a stop that ends them begins no restart: what they were to save may not be saved")
    func stopped() async throws {
        var hooks = ScriptedHooks(answer: nil)
        hooks.waitsForStop = true
        let restarter = ScriptedRestarter([.unit("nginx.service")])
        let coordinator = RestartCoordinator([restarter], hooks: hooks)
        let sentinel = try Self.sentinel()
        let task = Task { await coordinator.perform(sentinel) }
        await hooks.told.wait { !$0.isEmpty }
        task.cancel()
        #expect(await task.value == nil && restarter.performed.isEmpty)
    }
}
