import ControlServer
import Crypto
import Foundation
import GatewayProtocol
import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The control sockets: devices", .timeLimit(.minutes(1)))
struct DeviceTests {
    /// A device, and what it may do wrong.
    private struct Device {
        let key = Curve25519.Signing.PrivateKey()
        var version = 3
        var signedAtOffset: Int64 = 0
        var nonce: String?
        var id: String?
        var publicKey: String?
        var signature: String?

        var realID: String { SHA256.hash(data: key.publicKey.rawRepresentation).map { String(format: "%02x", $0) }.joined() }
        var realKey: String { Self.base64url(key.publicKey.rawRepresentation) }

        static func base64url(_ data: Data) -> String {
            data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
        }

        /// The params of connect for a challenge, with the texts of the protocol's reference, made here by hand.
        func extra(_ challenge: JSONValue?, scopes: [String] = ["operator.read", "operator.write"], token: String = "") throws
            -> String
        {
            let nonce = self.nonce ?? challenge?["payload"]?["nonce"]?.string ?? ""
            let at = (challenge?["payload"]?["ts"]?.integer ?? 0) + signedAtOffset
            let id = self.id ?? realID
            var text = "v\(version)|\(id)|cli|cli|operator|\(scopes.joined(separator: ","))|\(at)|\(token)|\(nonce)"
            if version == 3 { text += "|linux|" }
            let signature = try self.signature ?? Self.base64url(key.signature(for: Data(text.utf8)))
            let list = scopes.map { "\"\($0)\"" }.joined(separator: ",")
            return #","role":"operator","scopes":[\#(list)]\#(token.isEmpty ? "" : #","auth":{"token":"\#(token)"}"#),"#
                + #""device":{"id":"\#(id)","publicKey":"\#(publicKey ?? realKey)","signature":"\#(signature)","signedAt":\#(at),"nonce":"\#(nonce)"}"#
        }
    }

    private func connect(
        _ rig: ControlRig, _ device: Device, scopes: [String] = ["operator.read", "operator.write"], token: String = ""
    ) async throws -> (wire: Wire, answer: JSONValue?) {
        let wire = try await Wire.webSocket(port: rig.port)
        try await wire.send(Wire.connect(try device.extra(await wire.json(), scopes: scopes, token: token)))
        return (wire, await wire.answer(to: "c"))
    }

    @Test("a paired device is let in by its signature, of version 3 or 2, and may do what was approved", arguments: [3, 2])
    func paired(_ version: Int) async throws {
        var device = Device()
        device.version = version
        let desk = Desk()
        desk.pair(device.realID, device.realKey, Pairing(scopes: [.read], sessions: ["agent:a:*"]))
        let known = device
        try await ControlRig.run(desk: desk) { rig in
            let (wire, answer) = try await connect(rig, known)
            // It asks for more than was approved.
            #expect(answer?["payload"]?["auth"]?["scopes"] == ["operator.read"])
            try await wire.call("1", "poke")
            #expect(await wire.answer(to: "1")?["error"]?["details"]?["code"]?.string == "MISSING_SCOPE")
            try await wire.call("2", "echo")
            _ = await wire.answer(to: "2")
            #expect(rig.desk.callers.first?.proof == .device(known.realID) && rig.desk.callers.first?.sessions == ["agent:a:*"])
        }
    }

    @Test("a device with the right token needs no pairing; with a wrong one it does")
    func withToken() async throws {
        try await ControlRig.run { rig in
            let good = try await connect(rig, Device(), token: "sesame")
            #expect(good.answer?["ok"]?.bool == true)
            let bad = try await connect(rig, Device(), token: "other")
            #expect(bad.answer?["ok"]?.bool == false)
            #expect(await bad.wire.close()?.code == 1008)
        }
    }

    @Test("a device that nobody has paired is told NOT_PAIRED with the request's id, then 1008; the operator sees its wish")
    func notPaired() async throws {
        try await ControlRig.run { rig in
            let device = Device()
            let (wire, answer) = try await connect(rig, device)
            let error = answer?["error"]
            #expect(error?["code"]?.string == "NOT_PAIRED" && error?["details"]?["code"]?.string == "PAIRING_REQUIRED")
            #expect(error?["details"]?["requestId"]?.string == "r1")
            #expect(error?["details"]?["deviceId"]?.string == device.realID)
            #expect(await wire.close() == Wire.Close(code: 1008, reason: "pairing required"))
            let wish = try #require(rig.desk.wishes.first)
            #expect(wish.device == device.realID && wish.publicKey == device.realKey && wish.address == "127.0.0.1")
            #expect(wish.scopes == ["operator.read", "operator.write"])
        }
    }

    @Test(
        "a proof that is of another challenge, key, id or time, or no signature, is refused with 1008",
        arguments: [
            "NONCE_MISMATCH", "SIGNATURE_EXPIRED", "PUBLIC_KEY_INVALID", "DEVICE_ID_MISMATCH", "SIGNATURE_INVALID", "of another",
        ])
    func refused(_ fault: String) async throws {
        var device = Device()
        switch fault {
        case "NONCE_MISMATCH": device.nonce = "another"
        case "SIGNATURE_EXPIRED": device.signedAtOffset = -300_001
        case "PUBLIC_KEY_INVALID": device.publicKey = "AAAA"
        case "DEVICE_ID_MISMATCH": device.id = String(repeating: "0", count: 64)
        case "SIGNATURE_INVALID": device.signature = Device.base64url(Data(count: 64))
        default: device.signature = try Device.base64url(Device().key.signature(for: Data("v3".utf8)))
        }
        let desk = Desk()
        desk.pair(device.realID, device.realKey, Pairing(scopes: [.admin]))
        let wrong = device
        try await ControlRig.run(desk: desk, moments: ManualMoments()) { rig in
            let (wire, answer) = try await connect(rig, wrong)
            let code = answer?["error"]?["details"]?["code"]?.string
            #expect(code == "DEVICE_AUTH_" + (fault == "of another" ? "SIGNATURE_INVALID" : fault))
            #expect(await wire.close() == Wire.Close(code: 1008, reason: "unauthorized: device"))
            #expect(rig.desk.wishes.isEmpty)
        }
    }
}
