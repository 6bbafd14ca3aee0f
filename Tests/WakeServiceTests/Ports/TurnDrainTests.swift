import Logging
import Testing
import WakeCore
import WakeService
import WakeTesting

/// A keeper whose turns end when they may.
private struct ScriptedKeeper: TurnKeeper {
    let isOver = Witness(false)

    func runs(_ agent: String) -> Bool { true }
    func follow(_ turn: Turn) async -> Turn.End? {
        await isOver.wait { $0 }
        return .done
    }
    func cancel(_ turn: Turn) async {}
    func forget(_ turn: Turn) async {}
}

@Suite("A reboot waits for turns")
struct TurnDrainTests {
    private static func sentinel(_ target: RestartTarget = .host) throws -> Sentinel {
        let now = ManualMoments().now()
        return Sentinel(
            RestartRequest(
                id: Identifier(high: 1, low: 1), session: try SessionKey("agent:infra:discord:channel:1234"), note: "go on",
                target: target, requestedAt: now), epoch: nil, at: now)
    }

    private static func turn(_ session: String) throws -> Turn {
        Turn(
            id: DeliveryID(wake: Identifier(high: 7, low: 7), kind: .turn), session: try SessionKey(session), agent: "ops",
            route: try #require(Route("discord:default/channel:1")), note: "n",
            receipt: Receipt(kind: .unit, id: "u", source: .reply), startedAt: ManualMoments().now())
    }

    private func drain(_ keeper: ScriptedKeeper, _ moments: ManualMoments, _ turns: [Turn]) -> TurnDrain {
        TurnDrain(budget: .seconds(60), keepers: [keeper], moments: moments, logger: Logger(label: "test")) {
            keeper.isOver.value ? [] : turns
        }
    }

    @Test("it is performed when the turn of another session has ended")
    func waits() async throws {
        let (keeper, moments, restarter) = (ScriptedKeeper(), ManualMoments(), ScriptedRestarter([.host]))
        let drain = drain(keeper, moments, [try Self.turn("agent:ops:main")])
        let (coordinator, sentinel) = (RestartCoordinator([restarter], drain: drain), try Self.sentinel())
        let task = Task { await coordinator.perform(sentinel) }
        await Task.yield()
        #expect(restarter.performed.isEmpty)
        keeper.isOver.change { $0 = true }
        #expect(await task.value == nil)
        #expect(restarter.performed == [sentinel])
    }

    @Test("it waits no longer than its budget")
    func budget() async throws {
        let (keeper, moments) = (ScriptedKeeper(), ManualMoments())
        let drain = drain(keeper, moments, [try Self.turn("agent:ops:main")])
        let sentinel = try Self.sentinel()
        let task = Task { await drain.wait(for: sentinel) }
        await moments.waitUntilArmed()
        moments.advance(by: .seconds(61))
        await task.value
        #expect(!keeper.isOver.value)
        keeper.isOver.change { $0 = true }
    }

    @Test("neither a turn of the session that asks nor another target's restart waits for anything")
    func own() async throws {
        let (keeper, moments) = (ScriptedKeeper(), ManualMoments())
        await drain(keeper, moments, [try Self.turn("agent:infra:discord:channel:1234")]).wait(for: try Self.sentinel())
        await drain(keeper, moments, [try Self.turn("agent:ops:main")]).wait(for: try Self.sentinel(.daemon))
        #expect(!keeper.isOver.value)
    }
}
