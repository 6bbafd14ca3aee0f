import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("Taking accepted patches back")
struct RevertTests {
    private func revert(_ number: Int, in store: ConfigurationStore) throws -> ConfigurationPatchEntry {
        try store.commit(store.planRevert(of: number), by: "a test", note: nil, session: nil, at: 0)
    }

    @Test("all others stay, and what they set in its stead too")
    func middle() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ log: { level: 'trace' }, target: { settle: '1s' } }")
        try store.patch("{ log: { level: 'debug' }, wake: { holdFor: '1d' } }")
        try store.patch("{ log: { level: 'info' }, target: { settle: null } }")
        try store.patch("{ wake: { holdFor: '3d' } }")
        let plan = try store.planRevert(of: 2)
        #expect(plan.changedPaths == ["log.level", "target.settle"])
        #expect(plan.needs == .daemonRestart)
        let entry = try revert(2, in: store)
        #expect((entry.number, entry.revertOf) == (4, 2))
        let configuration = try store.configuration
        #expect(configuration.log.level == "debug")
        #expect(configuration.setting("log.level")?.origin == .acceptedPatch(1))
        #expect(configuration.restarts.settle == .seconds(1))
        #expect(configuration.setting("wake.holdFor")?.text == "3d")
        #expect(try revert(1, in: store).changedPaths == ["log.level"])
        #expect(try store.configuration.log.level == "trace")
        #expect(try store.log(limit: 2).map(\.revertOf) == [1, 2])
    }

    @Test("to take a revert back has the patch again, in its old place")
    func twice() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.patch("{ log: { level: 'debug' } }")
        try store.patch("{ log: { level: 'error' } }")
        let first = try revert(1, in: store)
        #expect(first.changedPaths.isEmpty)
        let again = #expect(throws: ChangeFault.self) { try store.planRevert(of: 1) }
        #expect(again?.code == .invalid)
        _ = try revert(3, in: store)
        _ = try revert(2, in: store)
        #expect(try store.configuration.log.level == "debug")
        #expect(try store.log(limit: 1)[0].number == 5)
    }

    @Test("what can't be taken back is told")
    func refusals() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        for number in [-1, 0, 1] {
            #expect(#expect(throws: ChangeFault.self) { try store.planRevert(of: number) }?.code == .notFound)
        }
        try store.patch("{ delivery: { backoffCap: '2min' } }")
        try store.patch("{ delivery: { backoffBase: '1min' } }")
        try store.patch("{ delivery: { backoffCap: '90s' } }")
        #expect(#expect(throws: ChangeFault.self) { try store.planRevert(of: 4) }?.code == .notFound)
        try scratch.write("reveille.json5", "{ delivery: { backoffCap: '5s' } }")
        _ = try revert(1, in: store)
        let fault = #expect(throws: ChangeFault.self) { try store.planRevert(of: 3) }
        #expect(fault?.code == .invalid)
        #expect(fault?.issues.map(\.path) == ["delivery.backoffBase"])
    }
}
