import Testing

@testable import OpenClawLoopback

@Suite("Configurations are merged, compared and shown")
struct ConfigPatchTests {
    @Test("a patch merges objects, null deletes, arrays of ids are merged by id")
    func merges() throws {
        let old: JSON = ["a": ["b": 1, "c": 2], "list": [["id": "x", "n": 1], ["id": "y", "n": 1]]]
        let patch: JSON = ["a": ["b": nil, "d": 3], "list": [["id": "y", "n": 2], ["id": "z"]]]
        let merged = try ConfigPatch.merge(patch, into: old, replacePaths: [])
        #expect(merged["a"] == ["c": 2, "d": 3])
        #expect(merged["list"] == [["id": "x", "n": 1], ["id": "y", "n": 2], ["id": "z"]])
    }

    @Test("an array shrinks only where replacePaths names it")
    func arrays() throws {
        let old: JSON = ["a": ["list": [1, 2]]]
        #expect(throws: ConfigPatch.Shrinks.self) {
            try ConfigPatch.merge(["a": ["list": [1]]], into: old, replacePaths: [])
        }
        #expect(try ConfigPatch.merge(["a": ["list": [1]]], into: old, replacePaths: ["a.list"]) == ["a": ["list": [1]]])
    }

    @Test("what differs is told by its path, and each path knows what it takes")
    func changes() {
        let old: JSON = ["gateway": ["port": 1, "reload": ["mode": "hot"]], "logging": ["level": "info"]]
        let new: JSON = ["gateway": ["port": 2, "reload": ["mode": "off"]], "plugins": [:]]
        #expect(
            ConfigPatch.changes(from: old, to: new) == ["gateway.port", "gateway.reload.mode", "logging", "plugins"])
        #expect(ConfigPatch.reloadKind("gateway.port") == "restart")
        #expect(ConfigPatch.reloadKind("gateway.reload.mode") == "none")
        #expect(ConfigPatch.reloadKind("plugins") == "restart")
        #expect(ConfigPatch.reloadKind("channels.discord.enabled") == "hot")
        #expect(ConfigPatch.reloadKind("logging.level") == "hot")
    }

    @Test("a long text is sent in pieces that Discord takes")
    func pieces() {
        let pieces = DiscordPoster.pieces(of: String(repeating: "ä", count: 4_500))
        #expect(pieces.map(\.unicodeScalars.count) == [2_000, 2_000, 500])
        #expect(DiscordPoster.pieces(of: "").isEmpty)
    }

    @Test("a session's key says where it is spoken with")
    func routes() {
        let route = { Route(sessionKey: $0, account: "default")?.to }
        #expect(route("agent:main:discord:channel:42") == "channel:42")
        #expect(route("agent:main:discord:channel:42:thread:43") == "channel:43")
        #expect(route("agent:main:discord:direct:7") == "user:7")
        #expect(route("agent:main:discord:work:direct:7") == "user:7")
        #expect(Route(sessionKey: "agent:main:discord:work:direct:7", account: "default")?.accountId == "work")
        #expect(route("agent:main:main") == nil)
        #expect(route("agent:main:telegram:group:7") == nil)
    }
}
