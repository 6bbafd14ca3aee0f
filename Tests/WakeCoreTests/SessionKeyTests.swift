import Testing

@testable import WakeCore

@Suite("Session keys")
struct SessionKeyTests {
    @Test(
        "every shape that a gateway prints is read and printed alike",
        arguments: [
            ("agent:infra:main", SessionKey.Shape.main),
            ("global", .catchAll), ("unknown", .catchAll),
            ("agent:infra:direct:4711", .direct(transport: nil, account: nil, peer: "4711")),
            ("agent:infra:dm:4711", .direct(transport: nil, account: nil, peer: "4711")),
            ("agent:infra:discord:direct:4711", .direct(transport: "discord", account: nil, peer: "4711")),
            ("agent:infra:discord:work:direct:4711", .direct(transport: "discord", account: "work", peer: "4711")),
            ("agent:infra:matrix:direct:@a:b.org", .direct(transport: "matrix", account: nil, peer: "@a:b.org")),
            ("agent:infra:discord:channel:101", .channel(transport: "discord", id: "101", thread: nil)),
            ("agent:infra:discord:channel:101:thread:102", .channel(transport: "discord", id: "101", thread: "102")),
            ("agent:infra:telegram:group:-100:topic:7", .group(transport: "telegram", id: "-100", topic: "7")),
            ("agent:infra:signal:group:abc", .group(transport: "signal", id: "abc", topic: nil)),
            ("agent:infra:cron:nightly", .cron(job: "nightly", run: nil)),
            ("agent:infra:cron:nightly:run:r1", .cron(job: "nightly", run: "r1")),
            ("cron:nightly", .cron(job: "nightly", run: nil)),
            ("agent:infra:subagent:u1", .subagent(path: ["u1"])),
            ("agent:infra:subagent:u1:subagent:u2", .subagent(path: ["u1", "u2"])),
            ("agent:infra:acp:x", .other(kind: "acp")), ("hook:u1", .other(kind: "hook")), ("node-7", .other(kind: "node")),
            ("agent:infra:explicit:x:y", .other(kind: "explicit")), ("agent:infra:dashboard:x", .other(kind: "dashboard")),
            ("discord:work:guild-9:channel-101", .legacyDiscord(account: "work", guild: "9", channel: "101")),
        ])
    func shapes(text: String, shape: SessionKey.Shape) throws {
        let key = try SessionKey(text)
        #expect(key.shape == shape)
        #expect(key.description == text)
        #expect(try SessionKey(key.description) == key)
    }

    @Test("prefix, agent and keywords are lower-cased, ids stay as they are")
    func cases() throws {
        #expect(try SessionKey("AGENT:Infra:Discord:Channel:101").description == "agent:infra:discord:channel:101")
        #expect(try SessionKey("agent:infra:Telegram:DIRECT:PeerX").description == "agent:infra:telegram:direct:PeerX")
        #expect(try SessionKey("agent:infra:CRON:Job:RUN:R").description == "agent:infra:cron:Job:run:R")
        #expect(try SessionKey("agent:infra:Subagent:U").description == "agent:infra:subagent:U")
    }

    @Test(
        "a bad key is refused with what is wrong and where",
        arguments: [
            ("", 1, "empty"), ("agent", 6, "after the agent"), ("agent:ops", 10, "after the agent"),
            ("agent::main", 7, "part 2 is empty"), ("agent:ops:", 11, "part 3 is empty"), (":agent:ops", 1, "part 1 is empty"),
            ("main", 1, "must begin with 'agent:'"), ("agent:o ps:main", 8, "space"), ("agent:ops:ma\u{7}in", 13, "control"),
            ("agent:o/ps:main", 7, "an agent's id"),
            ("agent:ops:discord:channel", 26, "comes its id"), ("agent:ops:discord:channel:general", 27, "is a number"),
            ("agent:ops:discord:channel:101:topic:2", 31, ":thread:"),
            ("agent:ops:discord:channel:101:thread", 37, "exactly one"),
            ("agent:ops:discord:channel:101:thread:x", 38, "is a number"), ("agent:ops:direct", 17, "peer"),
            ("agent:ops:cron", 15, "job"), ("agent:ops:cron:j:walk:2", 18, ":run:"), ("agent:ops:subagent", 19, "its id"),
            ("agent:ops:subagent:u:helper:v", 22, ":subagent:"),
        ])
    func bad(text: String, column: Int, problem: String) {
        do throws(SessionKeyError) {
            _ = try SessionKey(text)
            Issue.record("'\(text)' was taken for a session key")
        } catch {
            #expect(error.column == column, "\(error)")
            #expect(error.problem.contains(problem), "\(error)")
            #expect(!error.hint.isEmpty)
        }
    }

    @Test("a key that is too long is refused")
    func long() {
        #expect(throws: SessionKeyError.self) { try SessionKey("agent:ops:acp:" + String(repeating: "x", count: 500)) }
    }

    @Test("a key tells its route where it names a place of ours")
    func routes() throws {
        #expect(Sample.key("agent:a:discord:channel:101").route?.description == "discord:default/channel:101")
        #expect(
            Sample.key("agent:a:discord:channel:101:thread:102").route?.destination == "102", "a thread is a channel of its own")
        #expect(Sample.key("agent:a:discord:work:direct:7").route?.description == "discord:work/user:7")
        #expect(Sample.key("agent:a:telegram:group:7").route == nil)
        #expect(Sample.key("agent:a:main").route == nil)
    }
}
