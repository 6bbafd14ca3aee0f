import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("Changes of the configuration")
struct ChangesTests {
    @Test("an accepted patch is a layer between the files and the environment, with its number as origin")
    func layer() throws {
        let scratch = try Scratch()
        let text = "{ log: { level: 'trace' }, target: { settle: '1s' }, // mine\n }"
        let store = try scratch.store(text, ["REVEILLE_TARGET_SETTLE": "3s"])
        try scratch.write("reveille.d/1.json5", "{ log: { level: 'error', format: 'json' } }")
        try store.patch("{ log: { level: 'debug' } }")
        let entry = try store.patch("{ target: { settle: '2s' }, wake: { holdFor: '2d' }, log: { format: null } }")
        #expect(entry.number == 2)
        #expect(entry.at == "1970-01-01T00:00:01.000Z")
        let configuration = try store.configuration
        #expect(configuration.log.level == "debug")
        #expect(configuration.setting("log.level")?.origin == .acceptedPatch(1))
        #expect("\(configuration.setting("wake.holdFor")?.origin ?? .standard)" == "accepted patch 2")
        #expect(configuration.setting("log.format")?.origin == .standard)
        #expect(configuration.restarts.settle == .seconds(3))
        #expect(try store.current().shadowed == ["target.settle"])
        #expect(try store.current().raw == text)
        #expect(configuration.warnings.isEmpty)
        #expect(configuration.files.last?.path == scratch.path + "/ledger/config/patches.json")
    }

    @Test("a plan touches nothing, and tells what the commit then does")
    func dryRun() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ log: { level: 'trace' } }")
        let before = try store.current()
        let plan = try store.planPatch("{ log: { level: 'debug' }, wake: { holdFor: '2d' } }")
        #expect(try store.current().hash == before.hash)
        #expect(try BoundedFile.names(in: scratch.path, maximumCount: 10) == ["reveille.json5"])
        #expect(plan.changedPaths == ["log.level", "wake.holdFor"])
        #expect(plan.effects.map(\.effect) == [.reload, .daemonRestart])
        #expect(plan.needs == .daemonRestart)
        #expect(plan.hashBefore == before.hash)
        #expect(plan.resulting.log.level == "debug")
        _ = try store.commit(plan, by: "a", note: "n", session: "agent:main:main", at: 1_764_108_600_123)
        let after = try store.current()
        #expect(after.hash == plan.hashAfter)
        #expect(after.parsed["wake"]?["holdFor"] == "2d")
        let entry = try #require(try store.log(limit: 5).first)
        #expect(entry.at == "2025-11-25T22:10:00.123Z")
        #expect((entry.by, entry.note, entry.session) == ("a", "n", "agent:main:main"))
        #expect(entry.changedPaths == plan.changedPaths)
    }

    @Test("a base is needed, and must be the configuration as it is; both refusals tell its digest")
    func bases() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let hash = try store.current().hash
        for missing in [nil, ""] {
            let fault = #expect(throws: ChangeFault.self) { try store.plan(.patch(raw: "{}", baseHash: missing)) }
            #expect(fault?.code == .baseHashMissing(currentHash: hash))
            #expect(fault?.message.contains(hash) == true)
        }
        let fault = #expect(throws: ChangeFault.self) { try store.plan(.apply(raw: "{}", baseHash: "0")) }
        #expect(fault?.code == .conflict(currentHash: hash))
        #expect(fault?.message.contains(hash) == true)
    }

    @Test("the digest changes with every layer of files")
    func digests() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        var seen = [try store.current().hash]
        try scratch.write("reveille.json5", "{ }")
        seen.append(try store.current().hash)
        try scratch.write("reveille.d/1.json5", "{}")
        seen.append(try store.current().hash)
        try scratch.write("reveille.d/2.json5", "{}")
        seen.append(try store.current().hash)
        try store.patch("{ log: { level: 'debug' } }")
        seen.append(try store.current().hash)
        #expect(Set(seen).count == seen.count)
        #expect(seen.allSatisfy { $0.utf8.count == 64 })
        let plan = try store.planPatch("{ log: { level: 'info' } }")
        try scratch.write("reveille.json5", "{  }")
        let fault = #expect(throws: ChangeFault.self) { try store.commit(plan, by: "", note: nil, session: nil, at: 0) }
        #expect(fault?.code == .conflict(currentHash: try store.current().hash))
        #expect(try store.configuration.log.level == "debug")
    }

    @Test("a patch that changes nothing is no change and writes nothing")
    func nothing() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ log: { level: 'debug' } }")
        for raw in ["{}", "{ log: { level: 'debug' } }", "{ log: { format: null } }", "{ wake: null, gate: {} }"] {
            let plan = try store.planPatch(raw)
            #expect(plan.changedPaths.isEmpty, "\(raw)")
            #expect(plan.needs == .nothing)
            #expect(plan.hashAfter == plan.hashBefore)
            #expect(try store.commit(plan, by: "", note: nil, session: nil, at: 0).number == 0)
        }
        #expect(try store.log(limit: 10).isEmpty)
        #expect(try BoundedFile.names(in: scratch.path, maximumCount: 10) == ["reveille.json5"])
    }

    @Test("everything that is wrong is told at once, each with its path, and nothing changes")
    func issues() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let hash = try store.current().hash
        let fault = try store.refusal(
            of: """
                { log: { level: 'loud', levle: 'x' }, wake: { holdFor: 7 }, nothing: null, delivery: { backoffFactor: 'x' },
                  gate: 5, discord: { accounts: { 'B A D': {} } } }
                """)
        #expect(fault.code == .invalid)
        #expect(
            Set(fault.issues.map(\.path)) == [
                "log.level", "log.levle", "wake.holdFor", "nothing", "delivery.backoffFactor", "gate",
                "discord.accounts.\"B A D\"",
            ])
        let contradiction = try store.refusal(of: "{ delivery: { backoffBase: '30s', backoffCap: '1s' } }")
        #expect(contradiction.issues.map(\.path) == ["delivery.backoffBase"])
        for raw in ["", "[]", "5", "{", "{ a: 1, a: 2 }", "{ delivery: { backoffFactor: Infinity } }", "{ 'a': \u{0} }"] {
            #expect(try store.refusal(of: raw).code == .invalid, "\(raw)")
        }
        let deep = String(repeating: "{a:", count: 10_000) + "1" + String(repeating: "}", count: 10_000)
        #expect(try store.refusal(of: deep).code == .invalid)
        #expect(try store.current().hash == hash)
    }

    @Test("no change sets a secret, or moves the ledger")
    func forbidden() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ ledger: { retention: '5d' } }")
        let discord = try store.refusal(of: "{ discord: { accounts: { default: { token: '\(Tokens.good)' } } } }")
        #expect(discord.code == .forbiddenKey)
        #expect(discord.hint?.contains("discord.accounts.default.tokenFile") == true)
        #expect(!"\(discord)".contains(Tokens.good))
        let control = try store.refusal(of: "{ control: { token: 'abcdefghijklmnopqrstuvw' } }")
        #expect(control.code == .forbiddenKey)
        #expect(control.hint?.contains("control.tokenFile") == true)
        #expect(!"\(control)".contains("abcdefghijk"))
        #expect(try store.refusal(of: "{ discord: { accounts: { default: { botToken: 'x' } } } }").code == .forbiddenKey)
        let misplaced = try store.refusal(of: "{ control: { tokenFile: 'abcdefghijklmnopqrstuvw' } }")
        #expect(!"\(misplaced)".contains("abcdefghijk"))
        for raw in ["{ ledger: { directory: '/x' } }", "{ ledger: { directory: null } }", "{ ledger: null }"] {
            #expect(try store.refusal(of: raw).code == .forbiddenKey, "\(raw)")
        }
    }

    @Test("a list that loses elements needs its path in replacePaths")
    func lists() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ discord: { accounts: { default: { allowedMentions: ['users', 'roles'] } } } }")
        let path = "discord.accounts.default.allowedMentions"
        let raw = "{ discord: { accounts: { default: { allowedMentions: ['users'] } } } }"
        let fault = try store.refusal(of: raw)
        #expect(fault.code == .arrayShrunk)
        #expect(fault.issues.map(\.path) == [path])
        #expect(fault.message.contains(path))
        let plan = try store.planPatch(raw, replacePaths: [path])
        #expect(plan.changedPaths == [path])
        #expect(plan.needs == .channelRestart)
        #expect(try store.refusal(of: raw, replacePaths: Array(repeating: path, count: 257)).code == .invalid)
        #expect(try store.refusal(of: raw, replacePaths: ["a..b"]).code == .invalid)
    }

    @Test("a whole configuration unsets what it does not say")
    func wholes() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ log: { level: 'debug' }, ledger: { retention: '5d' }, target: { settle: '1s' } }")
        let plan = try store.plan(
            .apply(raw: "{ target: { settle: '1s' }, wake: { holdFor: '3d' } }", baseHash: try store.current().hash))
        #expect(plan.changedPaths == ["ledger.retention", "log.level", "wake.holdFor"])
        _ = try store.commit(plan, by: "", note: nil, session: nil, at: 0)
        let configuration = try store.configuration
        #expect(configuration.log.level == "info")
        #expect(configuration.ledger.retention == .days(30))
        #expect(configuration.restarts.settle == .seconds(1))
        let same = try store.plan(.apply(raw: try store.current().parsed.text, baseHash: try store.current().hash))
        #expect(same.changedPaths.isEmpty)
        let bad = try scratch.store("{ ledger: { directory: '\(scratch.path)/ledger' } }")
        let fault = #expect(throws: ChangeFault.self) { try bad.plan(.apply(raw: "{}", baseHash: try bad.current().hash)) }
        #expect(fault?.code == .forbiddenKey)
    }

    @Test("an account that comes or goes needs a restart of the daemon, a change in one that stays a restart of its channel")
    func accounts() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{ discord: { accounts: { ops: { tokenFile: '/t' } } } }")
        let inside = try store.planPatch("{ discord: { accounts: { ops: { tokenFile: '/u' } } } }")
        #expect(inside.needs == .channelRestart)
        let coming = try store.planPatch("{ discord: { accounts: { web: {} } } }")
        #expect(coming.changedPaths == ["discord.accounts.web"])
        #expect(coming.needs == .daemonRestart)
        let going = try store.planPatch("{ discord: { accounts: { ops: null } } }")
        #expect(going.changedPaths == ["discord.accounts.ops.tokenFile"])
        #expect(going.needs == .daemonRestart)
        #expect(going.resulting.discordAccounts.keys.sorted() == ["default"])
        try store.patch("{ discord: { accounts: { ops: null } } }")
        try store.patch("{ discord: { accounts: { ops: { allowedMentions: ['users'] } } } }")
        #expect(try store.configuration.discordAccounts["ops"]?.tokenLocation == nil)
    }

    @Test("what the environment or a flag overrides is changed, and nothing changes in force")
    func shadowed() throws {
        let scratch = try Scratch()
        let store = try scratch.store("{}", ["REVEILLE_LOG_LEVEL": "error"], set: ["wake.holdFor=1d"])
        let plan = try store.planPatch(
            "{ log: { level: 'debug' }, wake: { holdFor: '2d' }, restart: { defaultDelay: '2000ms' } }")
        #expect(plan.shadowed == ["log.level", "wake.holdFor"])
        #expect(plan.changedPaths == ["log.level", "restart.defaultDelay", "wake.holdFor"])
        #expect(plan.needs == .nothing)
        #expect(plan.resulting.log.level == "error")
    }
}
