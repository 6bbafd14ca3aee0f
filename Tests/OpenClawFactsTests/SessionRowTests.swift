import OpenClawFacts
import Testing
import WakeCore

@Suite("The sessions that a gateway lists")
struct SessionRowTests {
    private func row(_ fields: String) throws -> SessionRow {
        try #require(SessionRow(try JSONValue.parse(text: "{\(fields)}")))
    }

    @Test("a row is read whole")
    func whole() throws {
        let row = try row(
            """
            "key": "agent:main:discord:channel:5", "sessionId": "0f3c", "updatedAt": 1772366404123, "hasActiveRun": true,
            "activeRunIds": ["run-1"], "label": "builds", "displayName": "#builds", "derivedTitle": "Fix the build",
            "deliveryContext": {"channel": "discord", "to": "channel:5", "accountId": "ops"}, "future": 1
            """)
        #expect(row.key.description == "agent:main:discord:channel:5" && row.sessionID == "0f3c")
        #expect(row.updatedAt == 1_772_366_404_123 && row.hasActiveRun == true && row.activeRunIDs == ["run-1"])
        #expect(row.label == "builds" && row.displayName == "#builds" && row.derivedTitle == "Fix the build")
        #expect(row.title == "builds" && row.isActive == true)
        #expect(row.route(gateway: "main")?.description == "gateway:main/discord:ops/channel:5")
    }

    @Test("a row of only a key is one, and a row without one is none")
    func tolerant() throws {
        let bare = try row(#""key": "agent:main:main", "updatedAt": "now", "hasActiveRun": 1, "activeRunIds": "x", "label": 5"#)
        #expect(bare.updatedAt == nil && bare.hasActiveRun == nil && bare.isActive == nil && bare.activeRunIDs.isEmpty)
        #expect(bare.title == "agent:main:main" && bare.route(gateway: "main") == nil)
        for text in ["{}", #"{"key": ""}"#, #"{"key": 5}"#, #"{"key": "agent:ops"}"#, "[]", "null"] {
            #expect(SessionRow(try JSONValue.parse(text: text)) == nil, "\(text)")
        }
    }

    @Test("one odd row does not hide the others")
    func list() throws {
        let payload = try JSONValue.parse(
            text: #"{"count": 3, "sessions": [{"key": "agent:main:main"}, {"key": "::"}, {"key": "global"}]}"#)
        #expect(SessionRow.rows(of: payload).map(\.key.description) == ["agent:main:main", "global"])
        #expect(SessionRow.rows(of: nil).isEmpty)
        #expect(SessionRow.rows(of: ["sessions": 5]).isEmpty)
    }

    @Test("a run counts where the gateway only lists its id")
    func active() throws {
        #expect(try row(#""key": "global", "activeRunIds": ["r"]"#).isActive == true)
        #expect(try row(#""key": "global", "activeRunIds": ["r"], "hasActiveRun": false"#).isActive == true)
        #expect(try row(#""key": "global", "hasActiveRun": false"#).isActive == false)
    }

    @Test("a main session is where its messages last went, in whichever fields that is told")
    func lastPlace() throws {
        func route(_ fields: String) throws -> String? {
            try row(#""key": "agent:main:main", "# + fields).route(gateway: "main")?.description
        }
        #expect(
            try route(#""lastChannel": "discord", "lastTo": "channel:5", "lastAccountId": "ops", "lastThreadId": 6"#)
                == "gateway:main/discord:ops/channel:6")
        #expect(
            try route(#""origin": {"provider": "Discord", "to": "user:9", "accountId": "default"}"#)
                == "gateway:main/discord:default/user:9")
        #expect(
            try route(#""deliveryContext": {"channel": "discord", "to": "channel:1"}, "lastChannel": "telegram", "lastTo": "2""#)
                == "gateway:main/discord:default/channel:1")
    }

    @Test("a message that went elsewhere does not move a channel's session")
    func ownPlace() throws {
        let row = try row(#""key": "agent:main:discord:channel:5", "lastChannel": "webchat", "lastTo": "x""#)
        #expect(row.route(gateway: "main")?.description == "gateway:main/discord:default/channel:5")
    }

    @Test("a session is found by its channel, or by its thread where it is in one")
    func matches() throws {
        let channel = try row(#""key": "agent:main:discord:channel:5""#)
        for text in ["5", "channel:5", "<#5>", " 5 "] { #expect(channel.matches(place: text), "\(text)") }
        for text in ["6", "", "channel:", "55"] { #expect(!channel.matches(place: text), "\(text)") }
        let thread = try row(#""key": "agent:main:discord:channel:5:thread:6""#)
        #expect(thread.matches(place: "6") && !thread.matches(place: "5"))
        #expect(thread.isWithin(channel: "5") && thread.isWithin(channel: "6") && !thread.isWithin(channel: "7"))
        let main = try row(#""key": "agent:main:main", "lastChannel": "discord", "lastTo": "user:9""#)
        #expect(main.matches(place: "<@9>"))
        #expect(try row(#""key": "agent:main:main""#).matches(place: "5") == false)
    }
}

@Suite("What the environment tells of the calling session")
struct SessionEnvironmentTests {
    private func named(_ environment: [String: String]) throws -> String? {
        try SessionEnvironment.environmentKey(from: environment).map { "\($0.variable) \($0.key)" }
    }

    @Test("our own variable counts first, then the gateway's")
    func order() throws {
        let all = [
            "REVEILLE_SESSION": "agent:a:main", "OPENCLAW_SESSION_KEY": "agent:b:main",
            "OPENCLAW_MCP_SESSION_KEY": "agent:c:main",
        ]
        #expect(try named(all) == "REVEILLE_SESSION agent:a:main")
        #expect(try named(all.filter { $0.key != "REVEILLE_SESSION" }) == "OPENCLAW_SESSION_KEY agent:b:main")
        #expect(try named(["OPENCLAW_MCP_SESSION_KEY": "agent:c:main"]) == "OPENCLAW_MCP_SESSION_KEY agent:c:main")
        #expect(
            try named(["REVEILLE_SESSION": "", "OPENCLAW_SESSION_KEY": " ", "OPENCLAW_MCP_SESSION_KEY": "agent:c:main"]) != nil)
        #expect(try named([:]) == nil)
        #expect(try named(["OPENCLAW_SHELL": "exec"]) == nil)
    }

    @Test("a value that is no key is a fault that names its variable, and no other is believed instead")
    func bad() {
        let environment = ["OPENCLAW_SESSION_KEY": "agent:ops", "OPENCLAW_MCP_SESSION_KEY": "agent:c:main"]
        do {
            _ = try SessionEnvironment.environmentKey(from: environment)
            Issue.record("a bad key was passed over")
        } catch {
            #expect(error.variable == "OPENCLAW_SESSION_KEY" && error.description.hasPrefix("OPENCLAW_SESSION_KEY: "))
            #expect(error.hint.hasPrefix("Set OPENCLAW_SESSION_KEY"))
        }
    }

    @Test("an agent's command is told from a person's")
    func agent() {
        #expect(SessionEnvironment.isAgentCommand(["OPENCLAW_SHELL": "exec"]))
        #expect(SessionEnvironment.isAgentCommand(["OPENCLAW_MCP_SESSION_KEY": "agent:c:main"]))
        #expect(!SessionEnvironment.isAgentCommand(["OPENCLAW_SHELL": "tui-local"]))
        #expect(!SessionEnvironment.isAgentCommand(["OPENCLAW_CLI": "1"]))
    }

    @Test("where the agent is spoken to is told by the variables of its command line")
    func delivery() {
        let environment = [
            "OPENCLAW_MCP_MESSAGE_CHANNEL": "discord", "OPENCLAW_MCP_TO": "channel:5", "OPENCLAW_MCP_ACCOUNT_ID": "ops",
            "OPENCLAW_MCP_THREAD_ID": "6",
        ]
        let context = SessionEnvironment.delivery(from: environment)
        #expect(context.route(gateway: "main")?.description == "gateway:main/discord:ops/channel:6")
        #expect(SessionEnvironment.delivery(from: [:]) == DeliveryContext())
    }
}
