import Testing
import WakeCore

@testable import ReveilleConfiguration

@Suite("Random changes of the configuration")
struct RandomChangesTests {
    private static let wishes = [
        "log: { level: 'debug' }", "log: { level: 'error', format: null }", "log: null", "wake: { holdFor: '2d' }",
        "wake: { holdFor: null }", "discord: { accounts: { ops: { allowedMentions: ['users', 'roles'] } } }",
        "discord: { accounts: { ops: null } }", "discord: { accounts: { ops: { tokenFile: '/u' }, web: {} } }",
        "discord: { accounts: null }", "discord: null", "control: { peers: { '7': { scopes: ['read'] } } }",
        "control: { peers: { '7': null, '8': { scopes: ['admin'], sessions: ['a*'] } } }", "control: null",
        "sessions: { 'agent:x:*': { route: 'discord:default/channel:1' } }", "sessions: null",
        "delivery: { backoffFactor: 3.5 }", "delivery: { backoffFactor: 3, backoffCap: '2min' }",
    ]

    @Test(
        "every commit leads where its plan says, and to take all of them back in any order leads to the beginning",
        arguments: 1...8)
    func walks(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let scratch = try Scratch()
        let store = try scratch.store(
            "{ log: { level: 'trace', format: 'json' }, discord: { accounts: { ops: { tokenFile: '/t' } } }, wake: { holdFor: '1d' } }"
        )
        let beginning = try store.current().parsed
        var accepted: [Int] = []
        for _ in 0..<12 {
            let raw = "{ \(Self.wishes[Int(random.next(UInt64(Self.wishes.count)))]) }"
            let before = try store.current()
            let plan = try store.planPatch(raw, replacePaths: ["discord.accounts.ops.allowedMentions"])
            let entry = try store.commit(plan, by: "", note: nil, session: nil, at: 0)
            let after = try store.current()
            #expect(after.hash == plan.hashAfter)
            #expect(
                MergePatch.areEqual(after.parsed, MergePatch.apply(plan.patch, to: before.parsed)) || plan.changedPaths.isEmpty)
            #expect(after.configuration.settings.map(\.text) == plan.resulting.settings.map(\.text))
            if entry.number > 0 { accepted.append(entry.number) }
        }
        while !accepted.isEmpty {
            let number = accepted.remove(at: Int(random.next(UInt64(accepted.count))))
            _ = try store.commit(store.planRevert(of: number), by: "", note: nil, session: nil, at: 0)
        }
        #expect(MergePatch.areEqual(try store.current().parsed, beginning))
        #expect(try BoundedFile.read(store.directory + "/patches.json", maximumBytes: 999).count < 60)
    }

    @Test("no bytes given as a patch, and none in place of the layer, make it trap or keep the daemon from starting")
    func anyBytes() throws {
        var random = Seeded(state: 5)
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.patch("{ log: { level: 'debug' }, control: { peers: { '7': { scopes: ['read'] } } } }")
        let layer = try BoundedFile.read(store.directory + "/patches.json", maximumBytes: 9_999)
        let patch = Array("{ log: { level: 'error' }, gate: null, wake: { holdFor: '1d' }, a: [1, {id: 'x'}] }".utf8)
        func mutated(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0...random.next(3) {
                let at = Int(random.next(UInt64(bytes.count)))
                switch random.next(3) {
                case 0: bytes[at] = UInt8(random.next(256))
                case 1: bytes.remove(at: at)
                default: bytes.insert(bytes[Int(random.next(UInt64(bytes.count)))], at: at)
                }
            }
            return bytes
        }
        let hash = try store.current().hash
        for _ in 0..<1_500 { _ = try? store.plan(.patch(raw: String(decoding: mutated(patch), as: UTF8.self), baseHash: hash)) }
        #expect(try store.current().hash == hash)
        for _ in 0..<1_500 {
            try DiskOperations().write(mutated(layer), to: store.directory + "/patches.json")
            #expect(try ["debug", "info"].contains(store.configuration.log.level))
        }
    }
}
