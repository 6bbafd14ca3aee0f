import Crypto
import GatewayProtocol
import NetSupport
import WakeCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds out who a client is, and what it may do.
struct Doorman: Sendable {
    /// Why somebody is not let in.
    struct Refusal: Error {
        let fault: GatewayFault
        let close: GatewayClose
        /// Whether it looks like a guess, which slows its address down.
        let isGuess: Bool
    }

    /// The largest difference between a device's signature and the challenge.
    static let signatureMilliseconds: Int64 = 300_000

    let access: ControlAccess
    let pairings: any PairingBook

    /// Looks at the proofs, the strongest first.
    func admit(
        _ connect: ConnectParameters, _ peer: WebServerPeer, connection: String, nonce: String, challengedAt: Int64
    ) async throws(Refusal) -> ControlCaller {
        func caller(_ proof: ControlCaller.Proof, _ pairing: Pairing) -> ControlCaller {
            ControlCaller(
                proof: proof, scopes: Self.wanted(connect, of: pairing.scopes), sessions: pairing.sessions,
                client: connect.client,
                address: peer.address, connection: connection)
        }
        if let pairing = pairing(of: peer), let uid = peer.uid {
            return caller(.peer(uid: uid, pid: peer.pid ?? 0), pairing)
        }
        if let device = connect.device {
            try check(device, connect, nonce: nonce, challengedAt: challengedAt)
            if connect.secret != nil, isToken(connect.secret) { return caller(.token, Pairing(scopes: Set(Scope.allCases))) }
            if let pairing = await pairings.pairing(ofDevice: device.id, publicKey: device.publicKey) {
                return caller(.device(device.id), pairing)
            }
            throw try await notPaired(device, connect, peer)
        }
        guard connect.secret != nil else { throw Self.nothing(peer) }
        guard isToken(connect.secret) else {
            throw Refusal(
                fault: GatewayFault(
                    .forbidden, "the token is wrong", details: ["code": "AUTH_TOKEN_MISMATCH", "canRetryWithDeviceToken": false]),
                close: .unauthorized("token"), isGuess: true)
        }
        return caller(.token, Pairing(scopes: Set(Scope.allCases)))
    }

    /// What the kernel's word is worth.
    func pairing(of peer: WebServerPeer) -> Pairing? {
        guard let uid = peer.uid else { return nil }
        return uid == access.owner || uid == 0 ? Pairing(scopes: Set(Scope.allCases)) : access.peers[uid]
    }

    /// Compares in constant time: both are hashed first, so that not even the length shows.
    func isToken(_ secret: String?) -> Bool {
        guard let token = access.token, let secret else { return false }
        return SHA256.hash(data: Array(token.utf8)) == SHA256.hash(data: Array(secret.utf8))
    }

    /// What it asks for, of what it may have; all where it asks for nothing.
    private static func wanted(_ connect: ConnectParameters, of granted: Set<Scope>) -> Set<Scope> {
        guard let scopes = connect.scopes else { return granted }
        return Set(scopes.compactMap { Scope(rawValue: $0) }.filter { $0.isGranted(by: granted) })
    }

    private static func nothing(_ peer: WebServerPeer) -> Refusal {
        let hint =
            peer.uid.map { "user \($0) is not named in control.peers, and no token or device came" }
            ?? "send auth.token, or a paired device"
        return Refusal(
            fault: GatewayFault(.forbidden, "no credentials: \(hint)", details: ["code": "AUTH_REQUIRED"]),
            close: .unauthorized("no credentials"), isGuess: false)
    }

    // MARK: Devices

    private func check(
        _ device: ConnectParameters.Device, _ connect: ConnectParameters, nonce: String, challengedAt: Int64
    ) throws(Refusal) {
        func no(_ code: String, _ words: String) -> Refusal {
            Refusal(
                fault: GatewayFault(.forbidden, words, details: ["code": .string("DEVICE_AUTH_" + code)]),
                close: .unauthorized("device"), isGuess: true)
        }
        guard device.nonce == nonce else { throw no("NONCE_MISMATCH", "the device signed another challenge") }
        guard abs(device.signedAt.subtractingReportingOverflow(challengedAt).partialValue) <= Self.signatureMilliseconds else {
            throw no("SIGNATURE_EXPIRED", "the device's signature is not of now")
        }
        guard let raw = Self.base64url(device.publicKey), raw.count == 32,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw)
        else { throw no("PUBLIC_KEY_INVALID", "the device's key is no Ed25519 key of 32 bytes in base64url") }
        let id = SHA256.hash(data: raw).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard id == device.id.lowercased() else {
            throw no("DEVICE_ID_MISMATCH", "the device's id is not the SHA-256 of its key")
        }
        guard let signature = Self.base64url(device.signature),
            DeviceSignature.texts(connect, device).contains(where: {
                key.isValidSignature(signature, for: Array($0.utf8))
            })
        else { throw no("SIGNATURE_INVALID", "the device's signature does not fit") }
    }

    private func notPaired(
        _ device: ConnectParameters.Device, _ connect: ConnectParameters, _ peer: WebServerPeer
    ) async throws(Refusal) -> Refusal {
        let id = await pairings.request(
            PairingWish(
                device: device.id, publicKey: device.publicKey, scopes: connect.scopes ?? [], client: connect.client,
                address: peer.address))
        return Refusal(
            fault: GatewayFault(
                .notPaired, "this device is not paired; an operator can say: reveille pair approve \(id)",
                details: [
                    "code": "PAIRING_REQUIRED", "requestId": .string(id), "deviceId": .string(device.id),
                    "recommendedNextStep": "wait_then_retry", "retryable": true, "pauseReconnect": true,
                ]),
            close: .pairingRequired, isGuess: false)
    }

    private static func base64url(_ text: String) -> [UInt8]? {
        var plain = text.replacing("-", with: "+").replacing("_", with: "/")
        while plain.utf8.count % 4 != 0 { plain += "=" }
        return Data(base64Encoded: plain).map { Array($0) }
    }
}
