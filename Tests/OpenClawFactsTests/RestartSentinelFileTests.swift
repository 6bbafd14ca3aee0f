import OpenClawFacts
import Testing
import WakeCore

@Suite("The restart sentinel of a gateway")
struct RestartSentinelFileTests {
    /// What a 2026.3 gateway wrote for a Discord thread.
    private static let patched = """
        {
          "version": 1,
          "payload": {
            "kind": "config-patch", "status": "ok", "ts": 1772366404123,
            "sessionKey": "agent:main:discord:channel:1477712345678901234",
            "deliveryContext": {"channel": "discord", "to": "channel:1477712345678901234", "accountId": "default"},
            "message": "Enabled the browser tool",
            "stats": {"mode": "config.patch", "root": "/home/claw/.openclaw/openclaw.json"}
          }
        }

        """

    private func read(_ text: String) throws -> RestartSentinelFile { try RestartSentinelFile(Array(text.utf8)) }

    private func read(payload: String) throws -> RestartSentinelFile { try read(#"{"version":1,"payload":{\#(payload)}}"#) }

    private func code(of text: String) -> RestartSentinelFileError.Code? {
        do throws(RestartSentinelFileError) {
            _ = try RestartSentinelFile(Array(text.utf8))
            return nil
        } catch {
            #expect(!error.hint.isEmpty && !error.description.isEmpty)
            return error.code
        }
    }

    @Test("what a gateway writes is read whole")
    func whole() throws {
        let file = try read(Self.patched)
        #expect(file.kind == .configPatch && file.status == "ok" && file.at == 1_772_366_404_123)
        #expect(file.sessionKey?.description == "agent:main:discord:channel:1477712345678901234")
        #expect(
            file.delivery == DeliveryContext(transport: "discord", target: "channel:1477712345678901234", account: "default"))
        #expect(file.message == "Enabled the browser tool" && file.mode == "config.patch" && file.hasStatistics)
        #expect(file.continuation == nil && file.doctorHint == nil && !file.requiresRestart)
    }

    @Test("missing, extra and misshapen fields are no fault")
    func tolerant() throws {
        let empty = try read(payload: "")
        #expect(empty.kind == .restart && empty.at == nil && empty.sessionKey == nil && empty.message == nil)
        #expect(empty.route(gateway: "main") == nil)
        let odd = try read(
            payload: """
                "kind": 7, "status": [], "ts": "soon", "sessionKey": null, "deliveryContext": "discord", "threadId": {},
                "message": false, "continuation": {"kind": "dance"}, "doctorHint": 1, "stats": "none", "future": {"a": [1]}
                """)
        #expect(odd == empty)
    }

    @Test("a time with a fraction is cut to milliseconds")
    func fraction() throws {
        #expect(try read(payload: #""ts": 1772366404123.75"#).at == 1_772_366_404_123)
        #expect(try read(payload: #""ts": 1e300"#).at == nil)
    }

    @Test("the text to go on with is read in both of its forms")
    func continuations() throws {
        let turn = try read(payload: #""continuation": {"kind": "agentTurn", "message": "go on", "traceparent": "00-1"}"#)
        #expect(turn.continuation == .agentTurn("go on") && turn.continuation?.text == "go on")
        let event = try read(payload: #""continuation": {"kind": "systemEvent", "text": "back"}"#)
        #expect(event.continuation == .systemEvent("back") && event.continuation?.text == "back")
        #expect(try read(payload: #""continuation": null"#).continuation == nil)
    }

    // MARK: Where it delivers

    @Test("the route is the delivery context's, on the gateway's own channel")
    func route() throws {
        #expect(
            try read(Self.patched).route(gateway: "main")?.description
                == "gateway:main/discord:default/channel:1477712345678901234")
        let direct = try read(payload: #""deliveryContext": {"channel": "Discord", "to": "user:42", "accountId": "ops"}"#)
        #expect(direct.route(gateway: "two")?.description == "gateway:two/discord:ops/user:42")
    }

    @Test(
        "targets are understood in every form that gateways write",
        arguments: [
            ("channel:42", "channel:42"), ("user:42", "user:42"), ("<@42>", "user:42"), ("<@!42>", "user:42"),
            ("<#42>", "channel:42"),
            ("42", "channel:42"), ("discord:42", "channel:42"), ("discord:channel:42", "channel:42"), ("dm:42", "user:42"),
        ])
    func targets(target: String, place: String) throws {
        let file = try read(payload: #""deliveryContext": {"channel": "discord", "to": "\#(target)"}"#)
        #expect(file.route(gateway: "main")?.description == "gateway:main/discord:default/\(place)")
    }

    @Test("a thread of Discord is the destination; elsewhere the target is")
    func threads() throws {
        let context = #""deliveryContext": {"channel": "discord", "to": "channel:1"}"#
        #expect(try read(payload: context + #", "threadId": "2""#).route(gateway: "main")?.destination == "2")
        #expect(try read(payload: context + #", "threadId": 2"#).route(gateway: "main")?.destination == "2")
        let topic = try read(payload: #""threadId": "7", "deliveryContext": {"channel": "telegram", "to": "telegram:-100123"}"#)
        #expect(topic.route(gateway: "main")?.description == "gateway:main/telegram:default/channel:-100123")
        #expect(topic.delivery.thread == "7")
    }

    @Test("without a delivery context the session's key tells the place")
    func fromKey() throws {
        func route(_ key: String) throws -> String? {
            try read(payload: #""sessionKey": "\#(key)""#).route(gateway: "main")?.description
        }
        #expect(try route("agent:main:discord:channel:5") == "gateway:main/discord:default/channel:5")
        #expect(try route("agent:main:discord:channel:5:thread:6") == "gateway:main/discord:default/channel:6")
        #expect(try route("agent:main:discord:ops:direct:9") == "gateway:main/discord:ops/user:9")
        #expect(try route("discord:ops:guild-1:channel-2") == "gateway:main/discord:ops/channel:2")
        #expect(try route("agent:main:telegram:group:-100:topic:3") == "gateway:main/telegram:default/channel:-100")
        #expect(try route("agent:main:main") == nil)
        #expect(try route("agent:main:direct:9") == nil)
    }

    @Test("half a delivery context is completed by the key of the same transport, and not by another's")
    func completed() throws {
        let key = #""sessionKey": "agent:main:discord:channel:5:thread:6", "#
        func route(_ context: String) throws -> String? {
            try read(payload: key + #""deliveryContext": \#(context)"#).route(gateway: "main")?.description
        }
        #expect(try route(#"{"channel": "discord", "accountId": "ops"}"#) == "gateway:main/discord:ops/channel:6")
        #expect(try route(#"{"channel": "discord", "to": "channel:5"}"#) == "gateway:main/discord:default/channel:6")
        #expect(try route(#"{"channel": "discord", "to": "channel:9"}"#) == "gateway:main/discord:default/channel:9")
        #expect(try route(#"{"channel": "slack", "to": "channel:C1"}"#) == "gateway:main/slack:default/channel:C1")
    }

    // MARK: What it is known by

    @Test("the fingerprint is the same for the same file, and another for each part that tells two apart")
    func fingerprint() throws {
        let parts = #""kind": "restart", "ts": 5, "sessionKey": "agent:main:main", "message": "hello""#
        let one = try read(payload: parts).fingerprint
        #expect(try read(payload: parts + #", "status": "ok", "stats": {}"#).fingerprint == one)
        for (old, new) in [("restart", "update"), ("5", "6"), ("agent:main:main", "agent:ops:main"), ("hello", "hallo")] {
            #expect(try read(payload: parts.replacing(old, with: new)).fingerprint != one)
        }
        #expect(one == #"["restart",5,"agent:main:main","hello"]"#)
    }

    @Test("the gateway's own ping is recognised in every wording, and nothing else is")
    func pings() throws {
        let file = try read(Self.patched)
        #expect(file.isOwnPing("Enabled the browser tool"))
        #expect(file.isOwnPing("  Enabled the browser tool\n"))
        #expect(file.isOwnPing("Gateway restart config-patch ok (config.patch)\nEnabled the browser tool"))
        #expect(file.isOwnPing("Gateway restart required (config.patch)"))
        #expect(file.isOwnPing("GatewayRestart:\n{\"kind\":\"config-patch\"}"))
        #expect(!file.isOwnPing("I have Enabled the browser tool"))
        #expect(!file.isOwnPing("Enabled the browser tool, and two more"))
        #expect(!file.isOwnPing("The Gateway restart went well"))
        #expect(!file.isOwnPing(""))
        #expect(!file.isOwnPing("Gateway auto-recovery"))
        #expect(try read(payload: #""kind": "config-auto-recovery""#).isOwnPing("Gateway auto-recovery"))
    }

    @Test("of a message that was cut, the first piece is recognised")
    func pieces() throws {
        let long = String(repeating: "all of it ", count: 300)
        let file = try read(payload: #""message": "\#(long)""#)
        #expect(file.isOwnPing(String(long.prefix(2_000))))
        #expect(!file.isOwnPing(String(long.prefix(20))))
    }

    @Test("the summary reads as the gateway's")
    func summary() throws {
        #expect(try read(Self.patched).summary == "Gateway restart config-patch ok (config.patch)")
        #expect(
            try read(payload: #""stats": {"requiresRestart": true, "mode": "npm"}"#).summary == "Gateway restart required (npm)")
        #expect(try read(payload: #""kind": "config-auto-recovery""#).summary == "Gateway auto-recovery")
    }

    // MARK: What can't be used

    @Test("every beginning of the file is half written, never something else")
    func halfWritten() {
        let bytes = Array(Self.patched.trimmingLineEnd.utf8)
        for count in 0..<bytes.count {
            #expect(code(of: String(decoding: bytes[..<count], as: UTF8.self)) == .halfWritten, "\(count) bytes")
        }
        #expect(code(of: "\n \n") == .halfWritten)
    }

    @Test("what is no sentinel says which kind of none it is")
    func faults() {
        #expect(code(of: "hello") == .notJSON)
        #expect(code(of: #"{"version" 1, "payload": {}}"#) == .notJSON)
        #expect(code(of: #"{"version":1,"payload":{}} {"version":1,"payload":{}}"#) == .notJSON)
        #expect(code(of: #"{"version":2,"payload":{}}"#) == .otherVersion)
        #expect(code(of: #"{"payload":{}}"#) == .otherVersion)
        #expect(code(of: #"[1]"#) == .otherVersion)
        #expect(code(of: #"{"version":1}"#) == .noPayload)
        #expect(code(of: #"{"version":1,"payload":null}"#) == .noPayload)
        #expect(code(of: #"{"version":1,"payload":{"sessionKey":"agent:ops"}}"#) == .badSessionKey)
        #expect(code(of: #"{"version":1,"payload":{"sessionKey":7}}"#) == .badSessionKey)
        #expect(code(of: #"{"version":1,"payload":{"sessionKey":""}}"#) == nil)
    }

    @Test("a file of a mebibyte is read, and one of a byte more is not")
    func size() {
        let whole = #"{"version":1,"payload":{}}"#
        let padding = String(repeating: " ", count: RestartSentinelFile.maximumBytes - whole.utf8.count)
        #expect(code(of: whole + padding) == nil)
        #expect(code(of: whole + padding + " ") == .tooLarge)
    }
}

extension String {
    fileprivate var trimmingLineEnd: String { String(reversed().drop { $0 == "\n" }.reversed()) }
}
