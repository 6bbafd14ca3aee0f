import ControlServer
import Crypto
import Foundation
import GatewayProtocol
import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The control sockets: who is let in", .timeLimit(.minutes(2)))
struct AdmissionTests {
    private func code(_ answer: JSONValue?) -> String? { answer?["error"]?["details"]?["code"]?.string }

    @Test("the challenge comes first, then hello with the version, the methods and what the caller may do")
    func hello() async throws {
        try await ControlRig.run { rig in
            let wire = try await Wire.webSocket(port: rig.port, target: "/gateway?x=1")
            let challenge = try #require(await wire.json())
            #expect(challenge["event"]?.string == "connect.challenge")
            #expect((challenge["payload"]?["nonce"]?.string?.count ?? 0) >= 20 && challenge["payload"]?["ts"]?.integer != nil)
            try await wire.send(Wire.connect(#","auth":{"password":"sesame"},"scopes":["operator.read","x"]"#, newest: 3))
            let payload = try #require(await wire.answer(to: "c")?["payload"])
            #expect(payload["type"]?.string == "hello-ok" && payload["protocol"]?.integer == 3)
            #expect(payload["server"]?["version"]?.string == "test" && payload["snapshot"]?["uptimeMs"]?.integer == 1)
            #expect(payload["features"]?["methods"] == ["echo", "patch", "poke", "wait"])
            #expect(payload["auth"]?["scopes"] == ["operator.read"] && payload["policy"]?["maxPayload"]?.integer == 26_214_400)
        }
    }

    @Test("no two challenges are alike")
    func nonces() async throws {
        try await ControlRig.run { rig in
            var nonces: Set<String> = []
            for _ in 0..<50 {
                let wire = try await Wire.webSocket(port: rig.port)
                nonces.insert(try #require(await wire.json()?["payload"]?["nonce"]?.string))
                wire.drop()
            }
            #expect(nonces.count == 50)
        }
    }

    @Test("no version in common: an answer, then 1002")
    func version() async throws {
        try await ControlRig.run { rig in
            let wire = try await Wire.webSocket(port: rig.port)
            _ = await wire.json()
            try await wire.send(Wire.connect(oldest: 5, newest: 6))
            #expect(await wire.answer(to: "c")?["error"]?["message"]?.string == "protocol mismatch")
            #expect(await wire.close() == Wire.Close(code: 1002, reason: "protocol mismatch"))
        }
    }

    @Test(
        "a wrong token, none, or an empty one is refused with 1008 and a reason",
        arguments: [
            (#","auth":{"token":"sesamo"}"#, "AUTH_TOKEN_MISMATCH", "unauthorized: token"),
            (#","auth":{"token":"sesame "}"#, "AUTH_TOKEN_MISMATCH", "unauthorized: token"),
            ("", "AUTH_REQUIRED", "unauthorized: no credentials"),
            (#","auth":{}"#, "AUTH_REQUIRED", "unauthorized: no credentials"),
        ])
    func tokens(extra: String, code expected: String, reason: String) async throws {
        try await ControlRig.run { rig in
            let wire = try await Wire.webSocket(port: rig.port)
            let answer = try await wire.hello(extra)
            #expect(answer?["error"]?["code"]?.string == "FORBIDDEN" && code(answer) == expected)
            #expect(await wire.close() == Wire.Close(code: 1008, reason: reason))
        }
        // Where there is no token, none is right.
        try await ControlRig.run(access: ControlAccess(owner: 1)) { rig in
            let wire = try await Wire.webSocket(port: rig.port)
            let answer = try await wire.hello(#","auth":{"token":"sesame"}"#)
            #expect(answer?["ok"]?.bool == false)
            #expect(await wire.close()?.code == 1008)
        }
    }

    @Test("wrong tokens slow their address down, the right one included, and a success ends it")
    func brake() async throws {
        let moments = ManualMoments()
        try await ControlRig.run(moments: moments) { rig in
            let wrong = try await Wire.webSocket(port: rig.port)
            _ = try await wrong.hello(#","auth":{"token":"x"}"#)
            #expect(await wrong.close()?.code == 1008)
            let right = try await Wire.webSocket(port: rig.port)
            _ = await right.json()
            try await right.send(Wire.connect(#","auth":{"token":"sesame"}"#))
            await moments.waitUntilArmed(atBoottimeMicroseconds: moments.now().boottimeMicroseconds + 250_000)
            moments.advance(by: .milliseconds(250))
            #expect(await right.answer(to: "c")?["ok"]?.bool == true)
            // At once, or it would wait for a clock that stands.
            _ = try await rig.client()
        }
    }

    @Test("what a caller may not do is told with what it lacks; an unknown method is told so")
    func scopes() async throws {
        try await ControlRig.run { rig in
            let wire = try await rig.client(#","auth":{"token":"sesame"},"scopes":["operator.write"]"#)
            for method in ["echo", "poke"] {
                try await wire.call(method, method)
                #expect(await wire.answer(to: method)?["ok"]?.bool == true)
            }
            try await wire.call("3", "patch")
            let answer = await wire.answer(to: "3")
            #expect(answer?["error"]?["code"]?.string == "FORBIDDEN" && code(answer) == "MISSING_SCOPE")
            #expect(answer?["error"]?["details"]?["missingScope"]?.string == "operator.admin")
            try await wire.call("4", "helth")
            #expect(code(await wire.answer(to: "4")) == "UNKNOWN_METHOD")
            // Events too: only what its scopes allow, and the numbers have no gap.
            rig.server.publish(GatewayEvent("secret"))
            rig.server.publish(GatewayEvent("news"))
            let news = await wire.json()
            #expect(news?["event"]?.string == "news" && news?["seq"]?.integer == 1)
        }
    }

    @Test("thirty changes of a method in a minute, for all connections of a caller; then UNAVAILABLE with the wait")
    func rateLimit() async throws {
        let moments = ManualMoments()
        try await ControlRig.run(moments: moments) { rig in
            let wires = try await [rig.client(), rig.client()]
            for number in 0..<30 {
                try await wires[number % 2].call("\(number)", "patch")
                #expect(await wires[number % 2].answer(to: "\(number)")?["ok"]?.bool == true)
            }
            try await wires[0].call("x", "patch")
            let error = await wires[0].answer(to: "x")?["error"]
            #expect(error?["code"]?.string == "UNAVAILABLE" && error?["retryable"]?.bool == true)
            #expect(error?["retryAfterMs"]?.integer == 60_000)
            try await wires[0].call("y", "poke")
            #expect(await wires[0].answer(to: "y")?["ok"]?.bool == true)
            moments.advance(by: .seconds(60))
            try await wires[0].call("z", "patch")
            #expect(await wires[0].answer(to: "z")?["ok"]?.bool == true)
        }
    }

    // MARK: From where

    @Test(
        "a page's handshake is refused with 403 unless its origin is allowed, and so is a name that is not this machine's",
        arguments: [
            ("Origin: https://evil.example\r\n", false), ("Origin: null\r\n", false), ("Origin: https://good.example\r\n", true),
            ("Origin: https://good.example:8443\r\n", false), ("Host: evil.example\r\n", false),
            ("Host: 127.0.0.1.evil.example\r\n", false),
            ("Host: 127.evil.example:80\r\n", false), ("Host: localhost.evil.example\r\n", false),
            ("Host: LOCALHOST:18790\r\n", true),
            ("Host: [::1]:18790\r\n", true), ("Host: 127.0.0.1:18790\r\n", true), ("Host: reveille.localhost\r\n", true),
        ])
    func origins(header: String, isGood: Bool) async throws {
        let access = ControlAccess(token: "sesame", owner: 1, allowedOrigins: ["https://good.example"])
        try await ControlRig.run(access: access) { rig in
            let wire = try await Wire.webSocket(port: rig.port, headers: header)
            if isGood {
                #expect(await wire.json()?["event"]?.string == "connect.challenge")
                return
            }
            #expect(await wire.http().hasPrefix("HTTP/1.1 403 "))
            let plain = try await Wire.connect(port: rig.port)
            let host = header.hasPrefix("Host") ? "" : "Host: localhost\r\n"
            try await plain.send(raw: Array("GET /healthz HTTP/1.1\r\n\(host)\(header)Connection: close\r\n\r\n".utf8))
            #expect(await plain.http().hasPrefix("HTTP/1.1 403 "))
        }
    }

    @Test("over a Unix socket the kernel's word counts: the owner may do everything, others what is set, strangers need a token")
    func unix() async throws {
        let me = getuid()
        let stranger = me + 1
        let cases: [(ControlAccess, [String]?)] = [
            (ControlAccess(owner: me), ["operator.admin", "operator.pairing", "operator.read", "operator.write"]),
            (ControlAccess(owner: stranger, peers: [me: Pairing(scopes: [.read])]), me == 0 ? nil : ["operator.read"]),
            (ControlAccess(owner: stranger), nil),
        ]
        for (access, scopes) in cases where scopes != nil || me != 0 {
            let (descriptor, path) = try unixListener()
            defer { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }
            try await ControlRig.run(access: access, unix: descriptor) { rig in
                let wire = try await Wire.connect(path: path)
                try await wire.send(raw: Wire.upgrade())
                let answer = try await wire.hello("")
                #expect(answer?["payload"]?["auth"]?["scopes"] == scopes.map { .array($0.map { .string($0) }) })
                guard scopes != nil else {
                    #expect(await wire.close() == Wire.Close(code: 1008, reason: "unauthorized: no credentials"))
                    return
                }
                try await wire.call("1", "echo")
                #expect(await wire.answer(to: "1")?["ok"]?.bool == true)
                let caller = try #require(rig.desk.callers.first)
                #expect(caller.proof == .peer(uid: me, pid: getpid()) && caller.key == "uid:\(me)" && caller.address == "unix")
            }
        }
    }
}
