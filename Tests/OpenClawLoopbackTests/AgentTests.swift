import Testing

@testable import OpenClawLoopback

@Suite("Agents take turns", .timeLimit(.minutes(1)))
struct AgentTests {
    private static func params(_ more: [String: JSON] = [:]) -> JSON {
        let base: [String: JSON] = ["message": "go on", "sessionKey": .string(Rig.session), "idempotencyKey": "run-1"]
        return .object(base.merging(more) { $1 })
    }

    @Test("agent answers twice; the message is in the transcript with the first answer, the reply with the second")
    func twice() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let id = await client.request("agent", Self.params())
                let accepted = try await client.answer(id)["payload"]
                #expect(accepted?["runId"] == "run-1" && accepted?["status"] == "accepted")
                let final = try await client.answer(id)["payload"]
                #expect(final?["runId"] == "run-1" && final?["status"] == "ok")
                let history = try await client.call("chat.history", ["sessionKey": .string(Rig.session), "limit": 10])["payload"]
                let messages = history?["messages"]?.array ?? []
                #expect(messages.map { $0["role"] } == ["user", "assistant"])
                #expect(messages.map { $0["content"]?.array?.first?["text"] } == ["go on", "(agent) go on"])
                #expect(messages.allSatisfy { $0["timestamp"]?.int ?? 0 > 0 })
            }
            #expect(rig.said.isEmpty)
        }
    }

    @Test("what was accepted is in the transcript even if the gateway is killed at once")
    func durable() async throws {
        try await withClaw {
            $0.runLength = .seconds(3_600)
        } _: { rig in
            try await rig.backend { client in
                let accepted = try await client.call("agent", Self.params())["payload"]
                #expect(accepted?["status"] == "accepted")
                let rows = try await client.call("sessions.list")["payload"]?["sessions"]?.array ?? []
                #expect(rows.first?["hasActiveRun"] == true && rows.first?["activeRunIds"] == ["run-1"])
                rig.server.kill()
            }
            try await rig.expect("turn_end", ["run": "run-1", "outcome": "cut-off"])
            _ = try await rig.event("life") { $0["life"] == "2" }
            try await rig.backend { client in
                let history = try await client.call("chat.history", ["sessionKey": .string(Rig.session)])["payload"]
                #expect(history?["messages"]?.array?.count == 1)
                let rows = try await client.call("sessions.list")["payload"]?["sessions"]?.array ?? []
                #expect(rows.first?["hasActiveRun"] == false)
                // The key is forgotten with the life: the same call is another turn.
                let again = try await client.call("agent", Self.params())["payload"]
                #expect(again?["status"] == "accepted")
            }
            #expect(rig.log.events.filter { $0.name == "turn" }.count == 2)
        }
    }

    @Test("the same key is the same turn")
    func dedupe() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let id = await client.request("agent", Self.params())
                _ = try await client.answer(id)
                let final = try await client.answer(id)["payload"]
                let again = try await client.call("agent", Self.params())["payload"]
                #expect(again == final)
            }
            #expect(rig.log.events.filter { $0.name == "turn" }.count == 1)
        }
    }

    @Test("with deliver the reply is posted")
    func deliver() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let id = await client.request("agent", Self.params(["deliver": true]))
                _ = try await client.answer(id)
                _ = try await client.answer(id)
            }
            #expect(rig.said == ["(agent) go on"])
        }
    }

    @Test(
        "a reply that can't be delivered makes the second answer an error, unless it was best effort", arguments: [true, false])
    func undelivered(isBestEffort: Bool) async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
        } _: { rig in
            try await rig.backend { client in
                let id = await client.request(
                    "agent", Self.params(["deliver": true, "bestEffortDeliver": .bool(isBestEffort)]))
                _ = try await client.answer(id)
                let final = try await client.answer(id)
                #expect(final["ok"] == .bool(isBestEffort))
                #expect(final["payload"]?["status"] == (isBestEffort ? "ok" : "error"))
            }
        }
    }

    @Test("a malformed key and a key of another agent are refused", arguments: [("agent:ops", "ops"), ("agent:a:main", "b")])
    func badKey(key: String, agent: String) async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let error = try await client.call(
                    "agent", Self.params(["sessionKey": .string(key), "agentId": .string(agent)]))["error"]
                #expect(error?["code"] == "INVALID_REQUEST")
            }
        }
    }

    @Test("chat.send starts a turn, and its end comes as an event")
    func chat() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                let started = try await client.call("chat.send", Self.params())["payload"]
                #expect(started == ["runId": "run-1", "status": "started"])
                let event = try await client.event("chat")["payload"]
                #expect(event?["state"] == "final" && event?["sessionKey"] == .string(Rig.session))
            }
            try await rig.expect("turn", ["source": "chat", "text": "go on"])
        }
    }

    @Test("sessions have a route, a label and the time of their last change")
    func sessions() async throws {
        try await withClaw { rig in
            rig.server.addSession(Rig.session, label: "infra")
            rig.server.beginRun(session: "agent:main:main")
            try await rig.backend { client in
                let list = try await client.call("sessions.list", ["label": "infra"])["payload"]
                #expect(list?["count"] == 1)
                let row = list?["sessions"]?.array?.first
                #expect(row?["key"] == .string(Rig.session) && row?["label"] == "infra" && row?["sessionId"]?.filled != nil)
                #expect(row?["deliveryContext"]?["to"] == .string("channel:\(Rig.channel)"))
                #expect(row?["updatedAt"]?.int ?? 0 > 0)
                let all = try await client.call("sessions.list")["payload"]?["sessions"]?.array ?? []
                #expect(all.count == 2)
                #expect(all.filter { $0["hasActiveRun"] == true }.map { $0["key"] } == ["agent:main:main"])
            }
        }
    }
}
