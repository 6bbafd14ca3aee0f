import GatewayProtocol
import Testing
import WakeCore

@Suite("sessions.send, chat.send and sessions.list", .timeLimit(.minutes(3)))
struct ControlPlaneSendTests {
    private static func message(_ text: String, key: String, field: String = "key") -> JSONValue {
        ["message": .string(text), field: .string(Stage.session), "idempotencyKey": .string(key)]
    }

    @Test("a message comes once for its key, in the next life too, and in order; its session is listed")
    func once() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let params = Self.message("one", key: "k1")
            let answer = try await control.call("sessions.send", params)
            #expect(answer["status"] == "accepted" && answer["runId"] == "k1" && answer["durable"] == true)
            try await daemon.saw("wakeEnded")
            let chat = try await control.call("chat.send", Self.message("two", key: "k1", field: "sessionKey"))
            #expect(chat["status"] == "started" && chat["sentinel"] != answer["sentinel"], "each method has keys of its own")
            try await ControlStage.saw(daemon, "wakeEnded", times: 2)
            try await control.stage.stop(daemon)
            let again = try await control.startReady()
            #expect(try await control.call("sessions.send", params) == answer)
            for search: JSONValue in [[:], ["search": "DISCORD"], ["agentId": "infra"], ["activeMinutes": 5, "limit": 1]] {
                let list = try await control.call("sessions.list", search)
                #expect(list["sessions"]?.array?.map { $0["key"]?.string } == [Stage.session], "\(search)")
            }
            #expect(try await control.call("sessions.list", ["agentId": "other"])["total"] == 0)
            _ = try await control.call("sessions.send", Self.message("three", key: "k3", field: "sessionKey"))
            try await again.saw("wakeEnded")
            try await control.stage.stop(again)
            for text in ["one", "two", "three"] { #expect(control.notes("> \(text)") == 1, "\(text)") }
        }
    }

    @Test("what can't be sent is refused with all that is wrong, and the same key for another text is a mismatch")
    func refused() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            _ = try await control.call("sessions.send", Self.message("one", key: "k"))
            let mismatch = try await control.refusal("sessions.send", Self.message("other", key: "k"))
            #expect(mismatch.details?["code"] == "IDEMPOTENCY_MISMATCH")
            let long = try await control.refusal(
                "sessions.send", Self.message(String(repeating: "x", count: 8_193), key: "l"))
            #expect(long.code == .invalidRequest && long.message.contains("1 to 8192 bytes"), "\(long)")
            let bare = try await control.refusal("sessions.send", ["attachments": [["type": "image"]]])
            let paths = bare.details?["issues"]?.array?.compactMap { $0["path"]?.string } ?? []
            #expect(Set(paths) == ["sessionKey", "message", "idempotencyKey", "attachments"], "\(paths)")
            let nowhere = try await control.refusal(
                "sessions.send", ["key": "agent:infra:main", "message": "x", "idempotencyKey": "n"])
            #expect(nowhere.details?["code"] == "UNKNOWN_SESSION", "\(nowhere)")
            try await control.stage.stop(daemon)
        }
    }
}
