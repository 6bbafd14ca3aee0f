import Foundation

/// `connect`: who a client is, and what it may.
struct Handshake {
    /// A `connect` that fails, and how the connection is closed then.
    struct Failure: Error {
        let refusal: Refusal
        let code: UInt16
        let reason: String
    }

    static let clients: Set<String> = [
        "cli", "gateway-client", "openclaw-probe", "test", "fingerprint", "node-host", "openclaw-worker", "webchat", "webchat-ui",
        "openclaw-control-ui", "openclaw-tui", "openclaw-browser-copilot", "openclaw-macos", "openclaw-linux", "openclaw-ios",
        "openclaw-watchos", "openclaw-android",
    ]
    static let modes: Set<String> = ["cli", "ui", "webchat", "backend", "node", "worker", "probe", "test"]

    let params: JSON
    let peer: Peer
    let token: String
    let protocolNumber: Int

    /// The scopes that the client gets.
    func scopes() throws(Failure) -> Set<String> {
        try checkShape()
        try checkProtocol()
        guard ["operator", "node", "worker"].contains(params["role"]?.string ?? "operator") else {
            throw Failure(refusal: .invalid("invalid role"), code: 1008, reason: "invalid role")
        }
        try checkSecret()
        let declared = Set((params["scopes"]?.array ?? []).compactMap(\.string))
        if let device = params["device"] {
            try DeviceProof(device: device, params: params, peer: peer).check()
            return declared
        }
        // Whoever has no device is nobody, but for a backend on the same machine.
        let isBackend = params["client"]?["id"] == "gateway-client" && params["client"]?["mode"] == "backend"
        return isBackend ? declared : []
    }

    private func checkShape() throws(Failure) {
        let client = params["client"]
        let faults = [
            (params["minProtocol"]?.int ?? 0) < 1 ? "minProtocol must be an integer >= 1" : nil,
            (params["maxProtocol"]?.int ?? 0) < 1 ? "maxProtocol must be an integer >= 1" : nil,
            Self.clients.contains(client?["id"]?.string ?? "") ? nil : "client/id must be one of the known ids",
            client?["version"]?.filled == nil ? "client/version must be a string" : nil,
            client?["platform"]?.filled == nil ? "client/platform must be a string" : nil,
            Self.modes.contains(client?["mode"]?.string ?? "") ? nil : "client/mode must be one of the known modes",
        ].compactMap(\.self)
        guard !faults.isEmpty else { return }
        let message = "invalid connect params: " + faults.joined(separator: "; ")
        throw Failure(refusal: .invalid(message), code: 1008, reason: message)
    }

    private func checkProtocol() throws(Failure) {
        guard let least = params["minProtocol"]?.int, let most = params["maxProtocol"]?.int, least <= protocolNumber,
            most >= protocolNumber
        else {
            let refusal = Refusal.invalid("protocol mismatch", details: ["expectedProtocol": JSON(protocolNumber)])
            throw Failure(refusal: refusal, code: 1002, reason: "protocol mismatch")
        }
    }

    private func checkSecret() throws(Failure) {
        let auth = params["auth"]
        guard [auth?["token"]?.string, auth?["password"]?.string].contains(token) else {
            let details: JSON = ["code": "AUTH_TOKEN_MISMATCH", "canRetryWithDeviceToken": false]
            throw Failure(
                refusal: .invalid("unauthorized: gateway token mismatch", details: details), code: 1008,
                reason: "unauthorized: gateway token mismatch")
        }
    }
}
