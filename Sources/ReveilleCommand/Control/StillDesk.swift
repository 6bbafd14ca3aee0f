import ControlServer
import GatewayProtocol
import WakeCore

/// A desk that serves nothing.
struct StillDesk: ControlDesk, PairingBook {
    var methods: [String: ControlMethod] { [:] }
    var events: [String: Scope] { [:] }

    func answer(_ call: ControlCall) async -> Result<JSONValue?, GatewayFault> { .failure(.restarting()) }
    func snapshot() async -> JSONObject { [:] }
    func pairing(ofDevice id: String, publicKey: String) async -> Pairing? { nil }
    func request(_ wish: PairingWish) async -> String { "" }
}
