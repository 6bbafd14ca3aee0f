import Testing
import WakeService

@testable import SystemdSupport

@Suite("The unit of a turn")
struct TurnUnitTests {
    private func unit(_ active: String, load: String = "loaded", result: String = "success", ran: Bool = true) -> UnitSnapshot {
        UnitSnapshot([
            "ActiveState": .string(active), "LoadState": .string(load), "Result": .string(result),
            "InvocationID": .array(of: "y", ran ? Array(repeating: .byte(1), count: 16) : []),
        ])
    }

    @Test("runs from its start until nothing of it is left", arguments: ["activating", "active", "reloading", "deactivating"])
    func active(_ state: String) { #expect(unit(state).turnState == .active) }

    @Test("that failed tells how, until it is forgotten", arguments: ["signal", "exit-code", "oom-kill", "timeout"])
    func failed(_ result: String) { #expect(unit("failed", result: result).turnState == .ended(result: result)) }

    @Test("of a template is none before it has run, though its file is there")
    func instance() {
        #expect(unit("inactive", ran: false).turnState == .none)
        #expect(unit("inactive").turnState == .ended(result: "success"))
    }

    @Test("that no file describes is none")
    func absent() { #expect(unit("inactive", load: "not-found").turnState == .none) }

    @Test("has the turn's name in it as it is, dashes too")
    func name() throws {
        let name = TurnUnitCalls.name("0a-B_9")
        #expect(name == "reveille-turn@0a-B_9.service")
        #expect(try UnitName(name).description == name)
    }

    @Test(
        "can't be had without its template, and it is said what brings that", arguments: ["not-found", "masked", "bad-setting"])
    func template(_ state: String) {
        let obstacle = #expect(throws: Preflight.Obstacle.self) { try TemplateTurns.judge(state) }
        #expect(obstacle?.message.contains("reveille-turn@.service") == true)
        #expect(obstacle?.hint.contains("reveille install") == true)
        #expect(throws: Never.self) { try TemplateTurns.judge("loaded") }
    }
}
