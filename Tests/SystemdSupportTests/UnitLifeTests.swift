import Testing
import WakeCore

@testable import SystemdSupport

@Suite("A watched unit")
struct UnitLifeTests {
    /// What the service manager shows.
    private func unit(
        _ active: String, run: UInt8 = 1, type: String = "simple", result: String = "success", status: Int32 = 0,
        restarts: UInt32 = 0, load: String = "loaded", left: UInt64 = 0, entered: UInt64 = 0
    ) -> UnitSnapshot {
        UnitSnapshot([
            "ActiveState": .string(active), "LoadState": .string(load), "Type": .string(type), "Result": .string(result),
            "ExecMainStatus": .int32(status), "NRestarts": .uint32(restarts),
            "InvocationID": .array(of: "y", Array(repeating: .byte(run), count: 16)),
            "ActiveExitTimestampMonotonic": .uint64(left), "ActiveEnterTimestampMonotonic": .uint64(entered),
        ])
    }

    private func name(_ run: String) -> String { String(repeating: run, count: 16) }

    @Test("is told once for each run, however often it is looked at")
    func once() {
        var life = UnitLife()
        #expect(life.looked(unit("active")) == .up(invocation: name("01"), settled: false, story: RestartStory(.restart)))
        #expect(life.looked(unit("active")) == nil)
        #expect(life.looked(unit("reloading")) == nil)
        #expect(
            life.looked(unit("active", run: 2, left: 1_000_000, entered: 3_500_000))
                == .up(invocation: name("02"), settled: false, story: RestartStory(.restart, down: .milliseconds(2500))))
    }

    @Test("one that says itself when it is ready is settled at once", arguments: ["notify", "dbus", "oneshot", ""])
    func settled(type: String) {
        var life = UnitLife()
        guard case .up(_, let settled, _)? = life.looked(unit("active", type: type)) else { return #expect(Bool(false)) }
        #expect(settled)
    }

    @Test("a crash keeps its cause, though the next look finds the run after it")
    func crash() {
        var life = UnitLife()
        _ = life.looked(unit("active"))
        let end = UnitSnapshot([
            "Result": .string("signal"), "ExecMainStatus": .int32(9), "ExecMainExitTimestampMonotonic": .uint64(5_000_000),
        ])
        life.heard(end)
        life.heard(UnitSnapshot(["ActiveState": .string("activating")]))
        #expect(
            life.looked(unit("active", run: 2, restarts: 1, left: 5_000_000, entered: 5_200_000))
                == .up(
                    invocation: name("02"), settled: false,
                    story: RestartStory(.crash, detail: "it was killed by signal 9 (KILL)", down: .milliseconds(200))))
        // It counts for one run only, also where its signal comes once more after that was seen.
        life.heard(end)
        #expect(life.looked(unit("active", run: 3)) == .up(invocation: name("03"), settled: false, story: RestartStory(.restart)))
    }

    @Test("what ends well and is started again by its supervisor did not crash")
    func endedByItself() {
        var life = UnitLife()
        _ = life.looked(unit("active"))
        #expect(
            life.looked(unit("active", run: 2, restarts: 1))
                == .up(invocation: name("02"), settled: false, story: RestartStory(.restart, detail: "it ended by itself")))
    }

    @Test("down is told once, and not that it starts")
    func down() {
        var life = UnitLife()
        _ = life.looked(unit("active"))
        #expect(life.looked(unit("deactivating")) == .down)
        #expect(life.looked(unit("inactive")) == nil)
        #expect(life.looked(unit("activating", run: 2)) == nil)
    }

    @Test("given up on: failed, masked, gone; once for each run")
    func gaveUp() {
        var life = UnitLife()
        _ = life.looked(unit("active"))
        #expect(life.looked(unit("failed", result: "exit-code", status: 3)) == .gaveUp(reason: "it ended with exit code 3"))
        #expect(life.looked(unit("failed", result: "exit-code", status: 3)) == nil)
        #expect(life.looked(unit("activating", run: 2)) == nil)
        #expect(
            life.looked(unit("failed", run: 2, result: "start-limit-hit"))
                == .gaveUp(reason: "it failed too often in a short time (start limit)"))
        #expect(life.looked(unit("inactive", run: 2, load: "masked")) == .gaveUp(reason: "it is masked, so nothing can start it"))
        var gone = UnitLife()
        #expect(gone.looked(unit("inactive", run: 0, load: "not-found")) == .gaveUp(reason: "there is no such unit"))
    }

    @Test("names are those of units: a service's kind may be left out, a template is none")
    func names() throws {
        #expect(try UnitName("nginx").description == "nginx.service")
        #expect(try UnitName("my.app").description == "my.app.service")
        #expect(try UnitName("cups.socket").description == "cups.socket")
        #expect(
            try UnitName("reveille-channel@discord:default.service").description == "reveille-channel@discord:default.service")
        for bad in ["", "a b", "ü.service", "getty@.service", "@x.service", String(repeating: "a", count: 256)] {
            #expect(throws: UnitNameError.self, "\(bad)") { try UnitName(bad) }
        }
    }

    @Test("a user's service watches its own units, and the system's by their prefix; a system's service has one manager")
    func scopes() {
        let own = UnitScope(.user, isUserService: true)
        let machine = UnitScope(.system, isUserService: true)
        let system = UnitScope(.system, isUserService: false)
        #expect(
            own.contains(.unit("gw.service")) && !machine.contains(.unit("gw.service")) && system.contains(.unit("gw.service")))
        #expect(!own.contains(.unit("system/ssh.service")) && machine.unit(.unit("system/ssh"))?.description == "ssh.service")
        #expect(!own.contains(.host) && machine.contains(.host) && system.contains(.host))
    }
}
