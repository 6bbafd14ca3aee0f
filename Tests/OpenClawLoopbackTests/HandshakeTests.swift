import Crypto
import Foundation
import NetSupport
import Testing

@testable import OpenClawLoopback

@Suite("A connection begins", .timeLimit(.minutes(1)))
struct HandshakeTests {
    @Test("a challenge comes first, then hello-ok says who the gateway is", arguments: OpenClawOptions.Generation.allCases)
    func hello(generation: OpenClawOptions.Generation) async throws {
        try await withClaw(generation) { rig in
            try await rig.connect { client in
                let challenge = try await client.event("connect.challenge")
                #expect(challenge["payload"]?["nonce"]?.filled != nil)
                #expect(challenge["payload"]?["ts"]?.int ?? 0 > 0)
                #expect(challenge["seq"] == nil)
                let payload = try await client.call("connect", RawClient.hello())["payload"]
                #expect(payload?["type"] == "hello-ok")
                #expect(payload?["protocol"] == (generation == .march2026 ? 3 : 4))
                #expect(payload?["server"]?["version"] == .string(generation == .march2026 ? "2026.3.2" : "2026.9.1"))
                #expect(payload?["server"]?["connId"] == "conn-1-1")
                #expect(payload?["snapshot"]?["uptimeMs"]?.int ?? -1 >= 0)
                #expect(payload?["auth"]?["scopes"] == ["operator.admin"])
                #expect(payload?["policy"]?["maxPayload"] == 26_214_400)
                #expect(payload?["policy"]?["tickIntervalMs"] == (generation == .march2026 ? 30_000 : 15_000))
                let methods = payload?["features"]?["methods"]?.array ?? []
                #expect(methods.contains("config.schema.lookup") == (generation == .newest))
            }
        }
    }

    @Test("a client of other protocols is told which one is spoken, and closed with 1002")
    func mismatch() async throws {
        try await withClaw { rig in
            try await rig.connect { client in
                let error = try await client.call("connect", RawClient.hello(protocols: 1...3))["error"]
                #expect(error?["code"] == "INVALID_REQUEST")
                #expect(error?["details"]?["expectedProtocol"] == 4)
                #expect(await client.closed() == .init(code: 1002, reason: "protocol mismatch"))
            }
        }
    }

    @Test("a wrong token is told so, and closed with 1008")
    func token() async throws {
        try await withClaw { rig in
            try await rig.connect { client in
                let error = try await client.call("connect", RawClient.hello(token: "other"))["error"]
                #expect(error?["details"]?["code"] == "AUTH_TOKEN_MISMATCH")
                #expect(await client.closed()?.code == 1008)
            }
        }
    }

    @Test(
        "what is no proper connect is closed with 1008",
        arguments: [
            #"{"type":"req","id":"r1","method":"health"}"#, "nonsense",
            #"{"type":"req","id":"r1","method":"connect","params":{"minProtocol":0,"maxProtocol":4}}"#,
            #"{"type":"req","id":"r1","method":"connect","params":{"minProtocol":3,"maxProtocol":4,"#
                + #""client":{"id":"nobody","version":"1","platform":"linux","mode":"operator"}}}"#,
        ])
    func improper(text: String) async throws {
        try await withClaw { rig in
            try await rig.connect { client in
                client.send(text)
                let answer = try await client.frame { $0["type"] == "res" }
                #expect(answer["ok"] == false)
                #expect(await client.closed()?.code == 1008)
            }
        }
    }

    @Test("without a device only a backend keeps its scopes")
    func scopes() async throws {
        try await withClaw { rig in
            try await rig.connect { client in
                let hello = try await client.call("connect", RawClient.hello(client: "cli", mode: "cli"))
                #expect(hello["payload"]?["auth"]?["scopes"] == [])
                let error = try await client.call("health")["error"]
                #expect(error?["code"] == "FORBIDDEN")
                #expect(error?["details"]?["code"] == "MISSING_SCOPE")
                #expect(error?["details"]?["missingScope"] == "operator.read")
            }
            try await rig.backend(scopes: ["operator.write"]) { client in
                let health = try await client.call("health")
                #expect(health["ok"] == true)
                let config = try await client.call("config.get")
                #expect(config["error"]?["details"]?["missingScope"] == "operator.admin")
            }
        }
    }

    @Test("a device keeps its scopes if it proves itself, and only then", arguments: [true, false])
    func device(isHonest: Bool) async throws {
        try await withClaw { rig in
            try await rig.connect { client in
                let challenge = try await client.event("connect.challenge")["payload"]
                let key = Curve25519.Signing.PrivateKey()
                let raw = key.publicKey.rawRepresentation
                let id = SHA256.hash(data: raw).map { String(format: "%02x", $0) }.joined()
                let (nonce, time) = (challenge?["nonce"]?.string ?? "", challenge?["ts"]?.int ?? 0)
                let text = "v3|\(id)|cli|cli|operator|operator.read|\(time)|\(Rig.token)|\(nonce)|linux|"
                let signature = try key.signature(for: Data((isHonest ? text : text + "x").utf8))
                var hello = RawClient.hello(scopes: ["operator.read"], client: "cli", mode: "cli")
                hello["device"] = [
                    "id": .string(id), "publicKey": .string(Self.url(raw)), "signature": .string(Self.url(signature)),
                    "signedAt": JSON(time), "nonce": .string(nonce),
                ]
                let answer = try await client.call("connect", hello)
                if isHonest {
                    #expect(answer["payload"]?["auth"]?["scopes"] == ["operator.read"])
                } else {
                    #expect(answer["error"]?["details"]?["code"] == "DEVICE_AUTH_SIGNATURE_INVALID")
                }
            }
        }
    }

    private static func url(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    @Test("who does not authenticate in time is let go without a word")
    func timeout() async throws {
        try await withClaw {
            $0.handshakeTimeout = .milliseconds(1)
        } _: { rig in
            try await rig.connect { client in #expect(await client.closed() == .init(code: 1000)) }
        }
    }

    @Test("a gateway that is starting says so, and closes with 1013")
    func starting() async throws {
        try await withClaw {
            $0.startingFor = .seconds(3_600)
        } _: { rig in
            try await rig.connect { client in
                let error = try await client.call("connect", RawClient.hello())["error"]
                #expect(error?["code"] == "UNAVAILABLE")
                #expect(error?["details"]?["reason"] == "startup-sidecars")
                #expect(error?["retryAfterMs"] == 500)
                #expect(await client.closed() == .init(code: 1013, reason: "gateway starting"))
            }
        }
    }

    @Test("ticks come by themselves and are numbered")
    func ticks() async throws {
        try await withClaw {
            $0.tickInterval = .milliseconds(1)
        } _: { rig in
            try await rig.backend { client in
                let first = try await client.event("tick")
                let second = try await client.event("tick")
                #expect(first["payload"]?["ts"]?.int ?? 0 > 0)
                #expect((second["seq"]?.int ?? 0) - (first["seq"]?.int ?? 0) == 1)
            }
        }
    }
}
