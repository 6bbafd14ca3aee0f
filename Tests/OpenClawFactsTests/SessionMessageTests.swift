import OpenClawFacts
import Testing
import WakeCore

@Suite("Lines of a gateway's transcripts")
struct SessionMessageTests {
    private static func line(_ text: String, role: String = "user", provenance: String? = nil) -> SessionMessage? {
        var message: JSONObject = ["role": .string(role), "content": [["type": "text", "text": .string(text)]]]
        if let provenance { message["provenance"] = ["kind": .string(provenance)] }
        return SessionMessage(["sessionKey": "agent:main:discord:channel:5", "message": .object(message), "messageSeq": 7])
    }

    @Test("a line is read whole, its parts joined; text that is no list is text too")
    func whole() throws {
        let line = try #require(
            SessionMessage([
                "sessionKey": "agent:main:main",
                "message": ["role": "user", "content": [["type": "text", "text": "a"], ["type": "image"], ["text": "b"]]],
            ]))
        #expect(line.session.description == "agent:main:main" && line.role == "user" && line.text == "a\nb")
        #expect(SessionMessage.text(of: ["content": "plain"]) == "plain" && SessionMessage.text(of: ["text": "old"]) == "old")
    }

    @Test(
        "what can't be read is none",
        arguments: [
            nil, [:], ["sessionKey": "agent:main:main"], ["sessionKey": "agent:main:main", "message": ["content": "x"]],
            ["sessionKey": 5, "message": ["role": "user"]], ["sessionKey": "", "message": ["role": "user"]], "text",
        ] as [JSONValue?])
    func unreadable(payload: JSONValue?) { #expect(SessionMessage(payload) == nil) }

    @Test(
        "a person is told from all others who speak to an agent in that role",
        arguments: [
            ("how far are you?", nil, true), ("how far are you?", "external_user", true),
            ("how far are you?", "inter_session", false), ("how far are you?", "internal_system", false),
            ("how far are you?", "something_new", false), ("", nil, false), ("  \n ", nil, false),
            ("System: node is back", nil, false), ("System: node is back\n\nhow far are you?", nil, true),
            ("[cron:4711 nightly] look at the disks", nil, false),
            ("[Inter-session message] sourceSession=agent:a:main isUser=false\nhello", nil, false),
            ("Read HEARTBEAT.md if it exists. If nothing needs attention, reply HEARTBEAT_OK.", nil, false),
            ("You were interrupted.\n\n-# reveille 0000000000000000000007", nil, false),
            ("what does [cron:1] mean?", nil, true),
        ] as [(String, String?, Bool)])
    func people(text: String, provenance: String?, isPerson: Bool) throws {
        #expect(try #require(Self.line(text, provenance: provenance)).isFromPerson == isPerson)
        #expect(try #require(Self.line(text, role: "assistant", provenance: provenance)).isFromPerson == false)
    }
}
