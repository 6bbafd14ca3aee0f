import GatewayProtocol
import Testing
import WakeCore

@Suite("The handshake's params")
struct HandshakeTests {
    static let client = ConnectParameters.Client(id: "cli", version: "1", platform: "linux", mode: "cli")

    @Test("connect is read as it was printed, and absent fields are left out")
    func roundTrip() throws {
        let bare = ConnectParameters(client: Self.client)
        #expect(try ConnectParameters(bare.json) == bare)
        #expect(
            bare.json.text
                == #"{"minProtocol":3,"maxProtocol":4,"client":{"id":"cli","version":"1","platform":"linux","mode":"cli"},"role":"operator"}"#
        )
        var client = Self.client
        client.deviceFamily = "server"
        let full = ConnectParameters(
            minProtocol: 1, maxProtocol: 9, client: client, role: "node", scopes: ["operator.read", "x"], secret: "s",
            device: .init(id: "d", publicKey: "k", signature: "s", signedAt: 5, nonce: "n"))
        #expect(try ConnectParameters(full.json) == full)
    }

    @Test("unknown fields are passed over; auth.password serves as auth.token")
    func tolerant() throws {
        var json = try #require(ConnectParameters(client: Self.client).json.object)
        json["caps"] = ["a", 1]
        json["auth"] = ["password": "p", "deviceToken": 7]
        json["scopes"] = .null
        #expect(try ConnectParameters(.object(json)).secret == "p")
        json["auth"] = ["token": "t", "password": "p"]
        #expect(try ConnectParameters(.object(json)).secret == "t")
    }

    private func objection(_ params: JSONValue?) -> GatewayFault? {
        do {
            _ = try ConnectParameters(params)
            return nil
        } catch { return error }
    }

    @Test("one error names everything that is wrong")
    func allAtOnce() throws {
        let fault = try #require(
            objection([
                "minProtocol": 0, "maxProtocol": "4", "client": ["id": "", "version": 1, "platform": "linux"], "role": "",
                "scopes": ["a", 1], "auth": ["token": 5], "device": ["id": "d", "signedAt": -1],
            ]))
        #expect(fault.code == .invalidRequest)
        let paths = fault.details?["issues"]?.array?.compactMap { $0["path"]?.string }
        #expect(
            paths == [
                "minProtocol", "maxProtocol", "client.id", "client.version", "client.mode", "role", "scopes", "auth.token",
                "device.publicKey", "device.signature", "device.signedAt", "device.nonce",
            ])
        for path in paths ?? [] { #expect(fault.message.contains(path)) }
    }

    @Test("params that are missing, no object, or hold none where one must be, are told so")
    func wrongShape() {
        #expect(objection(nil)?.message == "minProtocol is missing; maxProtocol is missing; client is missing")
        #expect(objection([1])?.message.hasPrefix("the params of connect must be an object") == true)
        #expect(objection(["minProtocol": 3, "maxProtocol": 4, "client": 1])?.message == "client must be an object")
        #expect(
            objection(["minProtocol": 3, "maxProtocol": 4, "client": 1, "device": "d", "auth": []])?.message
                == "client must be an object; auth must be an object; device must be an object")
    }

    @Test("a device signs these texts, version 3 first; platform and family are trimmed and small")
    func signatureTexts() {
        let device = ConnectParameters.Device(id: "dev", publicKey: "k", signature: "s", signedAt: 17, nonce: "nn")
        var connect = ConnectParameters(client: Self.client, scopes: ["operator.read", "operator.write"], secret: "t")
        #expect(
            DeviceSignature.texts(connect, device) == [
                "v3|dev|cli|cli|operator|operator.read,operator.write|17|t|nn|linux|",
                "v2|dev|cli|cli|operator|operator.read,operator.write|17|t|nn",
            ])
        connect.client.platform = " \tLINUX Ä\n"
        connect.client.deviceFamily = "Raspberry"
        connect.scopes = nil
        connect.secret = nil
        #expect(
            DeviceSignature.texts(connect, device) == [
                "v3|dev|cli|cli|operator||17||nn|linux Ä|raspberry", "v2|dev|cli|cli|operator||17||nn",
            ])
    }

    @Test("hello-ok is read as it was printed; only the version must be there")
    func hello() {
        let hello = Hello(
            version: 4, serverVersion: "1.2", connection: "c1", methods: ["health"], events: ["tick"], snapshot: ["uptimeMs": 5],
            role: "operator", scopes: ["operator.read"])
        #expect(Hello(hello.json) == hello)
        #expect(hello.json["type"]?.string == "hello-ok" && hello.json["policy"]?["maxPayload"]?.integer == 26_214_400)
        let bare = Hello(["protocol": 3, "policy": ["maxPayload": -1, "tickIntervalMs": 0]])
        #expect(bare?.version == 3 && bare?.methods == [] && bare?.maxPayloadBytes == GatewayLimits.frameBytes)
        #expect(bare?.tickIntervalMilliseconds == 15_000)
        #expect(Hello(["type": "hello-ok"]) == nil && Hello(nil) == nil)
    }
}

@Suite("Limits for callers")
struct LimiterTests {
    @Test("thirty calls of a method in a minute, then the wait is told; the next is free when the oldest is a minute old")
    func thirty() {
        var limiter = WriteLimiter()
        for call in 0..<30 { #expect(limiter.take("m", by: "a", at: 1_000 + Int64(call)) == nil) }
        #expect(limiter.take("m", by: "a", at: 2_000) == 59_000)
        #expect(limiter.take("m", by: "a", at: 60_999) == 1)
        #expect(limiter.take("other", by: "a", at: 60_999) == nil && limiter.take("m", by: "b", at: 60_999) == nil)
        #expect(limiter.take("m", by: "a", at: 61_000) == nil)
        #expect(limiter.take("m", by: "a", at: 61_000) == 1)
    }

    @Test("a refused call is not counted")
    func refusedIsFree() {
        var limiter = WriteLimiter(count: 1, windowMilliseconds: 100)
        #expect(limiter.take("m", by: "a", at: 0) == nil)
        for now in Int64(1)..<100 { #expect(limiter.take("m", by: "a", at: now) == 100 - now) }
        #expect(limiter.take("m", by: "a", at: 100) == nil)
    }

    @Test("many callers take bounded room: the longest idle is forgotten")
    func bounded() {
        var limiter = WriteLimiter(count: 1, windowMilliseconds: 1_000_000)
        for caller in 0...WriteLimiter.maximumPlaces { #expect(limiter.take("m", by: "c\(caller)", at: Int64(caller)) == nil) }
        let now = Int64(WriteLimiter.maximumPlaces) + 1
        #expect(limiter.take("m", by: "c1", at: now) != nil)
        #expect(limiter.take("m", by: "c0", at: now) == nil)
    }

    @Test("each failure doubles the wait, from 250 ms to 10 s; a minute or a success lets it be forgotten")
    func brake() {
        var brake = AttemptBrake()
        #expect(brake.wait("a", at: 0) == 0)
        var waits: [Int64] = []
        for now in Int64(0)..<10 {
            brake.failed("a", at: now)
            waits.append(brake.wait("a", at: now))
        }
        #expect(waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000])
        #expect(brake.wait("b", at: 9) == 0)
        #expect(brake.wait("a", at: 60_008) == 10_000 && brake.wait("a", at: 60_009) == 0)
        brake.failed("a", at: 60_009)
        #expect(brake.wait("a", at: 60_009) == 250)
        brake.succeeded("a")
        #expect(brake.wait("a", at: 60_009) == 0)
        for _ in 0..<200 { brake.failed("c", at: 0) }
        #expect(brake.wait("c", at: 0) == 10_000)
    }

    @Test("many addresses take bounded room: the oldest is forgotten")
    func brakeBounded() {
        var brake = AttemptBrake()
        for address in 0...AttemptBrake.maximumAddresses { brake.failed("a\(address)", at: Int64(address)) }
        let now = Int64(AttemptBrake.maximumAddresses)
        #expect(brake.wait("a0", at: now) == 0 && brake.wait("a1", at: now) == 250 && brake.wait("a\(now)", at: now) == 250)
    }
}
