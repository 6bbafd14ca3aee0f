import GatewayProtocol
import Testing
import WakeCore

@testable import ReveilleCommand

@Suite("A change of a gateway's configuration, by its texts")
struct GatewayPatchTests {
    private static let current: JSONValue = [
        "logging": ["level": "info"], "agents": ["list": [["id": "a"]], "defaults": ["max": 4]], "gone": .null,
    ]

    private func paths(_ patch: JSONValue) -> [String] { GatewayPatch.leaves(of: patch, in: Self.current).map(\.path) }

    @Test("only what changes counts, each by its whole path")
    func leaves() {
        #expect(
            paths(["logging": ["level": "debug"], "agents": ["defaults": ["max": 4, "min": 1]]]) == [
                "logging.level", "agents.defaults.min",
            ])
        #expect(paths(["logging": ["level": "info"]]).isEmpty)
        #expect(paths(["agents": ["list": [["id": "b"]]]]) == ["agents.list"])
        #expect(paths(["agents": ["list": [["id": "a"]]]]).isEmpty)
    }

    @Test("null takes away what is there, and changes nothing where nothing is")
    func null() {
        #expect(paths(["logging": .null]) == ["logging"])
        #expect(paths(["absent": .null, "gone": .null, "logging": ["colour": .null]]).isEmpty)
    }

    @Test("an empty object changes something only where no object is")
    func empty() {
        #expect(paths([:]).isEmpty)
        #expect(paths(["logging": [:]]).isEmpty)
        #expect(paths(["plugins": [:]]) == ["plugins"])
        #expect(paths(["logging": ["level": [:]]]) == ["logging.level"])
    }

    @Test("where nothing is known of the present, everything counts")
    func unknown() {
        #expect(GatewayPatch.leaves(of: ["a": ["b": 1]], in: nil).map(\.path) == ["a.b"])
    }

    @Test("a key that a path can't name can't be asked about", arguments: ["a.b", "", "ä", "a b", "a[0]", "a/b"])
    func odd(key: String) {
        let leaves = GatewayPatch.leaves(of: ["x": .object([key: ["y": 1]])], in: nil)
        #expect(leaves.count == 1 && leaves.allSatisfy { !$0.isAskable })
    }

    @Test("a whole configuration is compared both ways")
    func whole() {
        let leaves = GatewayPatch.leaves(
            from: ["a": 1, "b": ["c": 2, "d": 3]], to: ["b": ["c": 2, "d": 4, "e": 5]])
        #expect(Set(leaves.map(\.path)) == ["a", "b.d", "b.e"])
    }

    @Test("the answer says when it restarts, the pause between restarts included")
    func restarts() {
        #expect(
            GatewayPatch.answer(["restart": ["ok": true, "delayMs": 2_000, "cooldownMsApplied": 28_000]])
                == .restarts(in: .seconds(30)))
        #expect(GatewayPatch.answer(["restart": ["delayMs": -5]]) == .restarts(in: .zero))
        #expect(
            GatewayPatch.answer(["restart": ["delayMs": .integer(.max), "cooldownMsApplied": .integer(.max)]])
                == .restarts(in: .seconds(172_800)))
    }

    @Test("or that it stays up, or that it can't restart")
    func stays() {
        #expect(GatewayPatch.answer(["ok": true, "changedPaths": ["a"]]) == .staysUp(changed: ["a"]))
        #expect(GatewayPatch.answer(["ok": true]) == .staysUp(changed: nil))
        #expect(GatewayPatch.answer(nil) == .staysUp(changed: nil))
        #expect(GatewayPatch.answer(["restart": ["ok": true, "scheduled": false]]) == .staysUp(changed: nil))
        #expect(GatewayPatch.answer(["restart": ["ok": false, "reason": "no"]]) == .restartRefused(reason: "no"))
    }

    @Test("refusals are told apart")
    func refusals() {
        func refusal(_ code: GatewayFault.Code, _ message: String, _ details: JSONObject? = nil) -> GatewayPatch.Refusal {
            GatewayPatch.refusal(GatewayFault(code, message, details: details))
        }
        #expect(refusal(.invalidRequest, "config changed since last load; re-run config.get and retry") == .conflict)
        #expect(refusal(.invalidRequest, "config base hash required") == .conflict)
        #expect(
            refusal(.invalidRequest, "invalid config", ["issues": [["path": "a", "message": "no"], ["message": "bad"], 7]])
                == .invalid(issues: ["a: no", "bad"]))
        #expect(refusal(.unavailable, "later") == .other)
        #expect(refusal(.unavailable, "failed", ["persistedConfig": ["hash": "x"]]) == .writtenOnly)
    }
}

@Suite("Which life of a gateway a sentinel is for")
struct GatewayEpochTests {
    private static let boot = BootID("one")
    private static let now = Moment(wallMilliseconds: 0, boot: boot, boottimeMicroseconds: 100_000_000, clockSynchronised: true)

    private func epoch(uptime: Int64?, known: Epoch?) -> Epoch? {
        GatewayChange.epoch(uptimeMilliseconds: uptime, at: Self.now, known: known)
    }

    @Test("by its uptime, on our clock, where the daemon knows of none")
    func byUptime() {
        #expect(epoch(uptime: 60_000, known: nil) == .startedAt(boot: Self.boot, microseconds: 40_000_000))
        #expect(epoch(uptime: 60_000, known: .down) == .startedAt(boot: Self.boot, microseconds: 40_000_000))
    }

    @Test("the daemon's mark counts where it is the same life, or one within the same process")
    func known() {
        for mark: Int64 in [38_000_000, 40_000_000, 41_000_000, 90_000_000] {
            let epoch = Epoch.startedAt(boot: Self.boot, microseconds: mark)
            #expect(self.epoch(uptime: 60_000, known: epoch) == epoch)
        }
    }

    @Test("an older mark, and one of another boot, are of another life")
    func stale() {
        let ours = Epoch.startedAt(boot: Self.boot, microseconds: 40_000_000)
        #expect(epoch(uptime: 60_000, known: .startedAt(boot: Self.boot, microseconds: 37_999_999)) == ours)
        #expect(epoch(uptime: 60_000, known: .startedAt(boot: BootID("two"), microseconds: 40_000_000)) == ours)
    }

    @Test("without an uptime that can be one, what the daemon knows counts", arguments: [nil, -1, Int64.max])
    func none(uptime: Int64?) {
        #expect(epoch(uptime: uptime, known: nil) == nil)
        #expect(epoch(uptime: uptime, known: .down) == .down)
    }
}
