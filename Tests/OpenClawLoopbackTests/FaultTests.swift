import NetSupport
import Testing

@testable import OpenClawLoopback

@Suite("What goes wrong on demand", .timeLimit(.minutes(1)))
struct FaultTests {
    private static let send: JSON = [
        "to": .string("channel:\(Rig.channel)"), "message": "hello", "idempotencyKey": "k1",
    ]

    @Test("channels.status lies", arguments: [true, false])
    func lies(isConnected: Bool) async throws {
        try await withClaw {
            $0.discordReadyAfter = isConnected ? nil : .zero
            $0.faults = [isConnected ? .connectedAlwaysTrue : .connectedAlwaysFalse]
        } _: { rig in
            try await rig.backend { client in
                for isLie in [true, true, false] {
                    if !isLie { rig.server.clearFaults() }
                    let status = try await client.call("channels.status")["payload"]
                    let account = status?["channelAccounts"]?["discord"]?.array?.first
                    #expect(account?["connected"] == .bool(isConnected == isLie))
                }
            }
        }
    }

    @Test("a send is posted and not answered")
    func withheld() async throws {
        try await withClaw { rig in
            rig.server.inject(.sendAnswerWithheld)
            try await rig.backend { client in
                let id = await client.request("send", Self.send)
                try await rig.expect("fault", ["fault": "send-answer-withheld"])
                // Answers come in order: the one to the send would have come before this one.
                let again = try await client.call("send", Self.send)
                #expect(again["ok"] == true)
                let hasAnswer = await client.has { $0["id"] == .string(id) }
                #expect(!hasAnswer)
            }
            #expect(rig.said == ["hello"])
        }
    }

    @Test("a send is answered twice")
    func twice() async throws {
        try await withClaw { rig in
            rig.server.inject(.sendAnsweredTwice)
            try await rig.backend { client in
                let id = await client.request("send", Self.send)
                let first = try await client.answer(id)
                let second = try await client.answer(id)
                #expect(first == second)
            }
            #expect(rig.said == ["hello"])
        }
    }

    @Test("a send is answered with a payload and an error")
    func both() async throws {
        try await withClaw { rig in
            rig.server.inject(.sendErrorAndPayload)
            try await rig.backend { client in
                let answer = try await client.call("send", Self.send)
                #expect(answer["payload"]?["messageId"]?.filled != nil)
                #expect(answer["error"]?["code"] == "UNAVAILABLE")
            }
        }
    }

    @Test("a connection gets no challenge, the next one does")
    func noChallenge() async throws {
        try await withClaw { rig in
            rig.server.inject(.noChallenge)
            try await rig.connect { client in
                _ = try await client.call("connect", RawClient.hello())
                let hasChallenge = await client.has { $0["event"] == "connect.challenge" }
                #expect(!hasChallenge)
            }
            try await rig.connect { client in _ = try await client.event("connect.challenge") }
        }
    }

    @Test("two answers come in the wrong order")
    func wrongOrder() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                rig.server.inject(.answersWrongOrder)
                let first = await client.request("health")
                let second = await client.request("status")
                let answers = try await [client.frame { $0["type"] == "res" }, client.frame { $0["type"] == "res" }]
                #expect(answers.map { $0["id"] } == [.string(second), .string(first)])
            }
        }
    }

    @Test("an answer comes in several frames, and is whole")
    func splitFrames() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                rig.server.inject(.splitFrames)
                let answer = try await client.call("health")
                #expect(answer["payload"]?["ok"] == true)
            }
            try await rig.expect("fault", ["fault": "split-frames"])
        }
    }

    @Test("a restart closes without a code")
    func noCode() async throws {
        try await withClaw { rig in
            rig.server.inject(.closeWithoutCode)
            try await rig.backend { client in
                rig.server.restart()
                #expect(await client.closed() == .init(code: 1005))
            }
        }
    }

    @Test("a gateway of protocol 5 refuses who does not speak it, and is gone with the next connection")
    func protocolFive() async throws {
        try await withClaw { rig in
            rig.server.inject(.protocolFive)
            try await rig.connect { client in
                let error = try await client.call("connect", RawClient.hello())["error"]
                #expect(error?["details"]?["expectedProtocol"] == 5)
            }
            rig.server.inject(.protocolFive)
            try await rig.connect { client in
                let hello = try await client.call("connect", RawClient.hello(protocols: 3...5))["payload"]
                #expect(hello?["protocol"] == 5)
            }
            try await rig.backend { _ in }
        }
    }
}
