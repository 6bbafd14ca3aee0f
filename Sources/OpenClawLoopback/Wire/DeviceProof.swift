import Crypto
import Foundation

/// The proof that a client holds a device's key. On the same machine every device that proves itself is let in.
struct DeviceProof {
    let device: JSON
    let params: JSON
    let peer: Peer

    func check() throws(Handshake.Failure) {
        guard let key = Self.bytes(device["publicKey"]?.string), key.count == 32,
            let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: key)
        else { throw failure("DEVICE_AUTH_PUBLIC_KEY_INVALID", "device public key invalid") }
        guard device["id"]?.string == SHA256.hash(data: key).map({ String(format: "%02x", $0) }).joined() else {
            throw failure("DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch")
        }
        guard let nonce = device["nonce"]?.filled else {
            throw failure("DEVICE_AUTH_NONCE_REQUIRED", "device nonce required")
        }
        guard nonce == peer.nonce else { throw failure("DEVICE_AUTH_NONCE_MISMATCH", "device nonce mismatch") }
        guard device["signedAt"]?.int == peer.challengedAt else {
            throw failure("DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired")
        }
        let signature = Self.bytes(device["signature"]?.string) ?? Data()
        guard [third, second].contains(where: { publicKey.isValidSignature(signature, for: Data($0.utf8)) }) else {
            throw failure("DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid")
        }
    }

    /// What is signed in version 2.
    private var second: String { "v2|" + common }

    /// What is signed in version 3: the same and the machine.
    private var third: String {
        let machine = [params["client"]?["platform"], params["client"]?["deviceFamily"]].map {
            ($0?.string ?? "").trimmingCharacters(in: .whitespaces).lowercased()
        }
        return "v3|" + ([common] + machine).joined(separator: "|")
    }

    private var common: String {
        let client = params["client"]
        let auth = params["auth"]
        return [
            device["id"]?.string, client?["id"]?.string, client?["mode"]?.string, params["role"]?.string ?? "operator",
            (params["scopes"]?.array ?? []).compactMap(\.string).joined(separator: ","), device["signedAt"]?.int.map(String.init),
            auth?["token"]?.string ?? auth?["deviceToken"]?.string, device["nonce"]?.string,
        ].map { $0 ?? "" }.joined(separator: "|")
    }

    private func failure(_ code: String, _ message: String) -> Handshake.Failure {
        .init(refusal: .invalid(message, details: ["code": .string(code)]), code: 1008, reason: message)
    }

    private static func bytes(_ text: String?) -> Data? {
        guard let text else { return nil }
        let plain = text.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4))
    }
}
