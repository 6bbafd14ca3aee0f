import Crypto
import GatewayProtocol

/// How a caller proves who it is.
public enum GatewayCredentials: Sendable {
    /// Not at all: over a Unix socket the kernel says who calls.
    case none
    /// The gateway's token or password.
    case token(String)
    /// The key of this device, which the gateway has paired; with the token, where it wants both.
    case device(DeviceIdentity, token: String? = nil)

    /// What `connect` says.
    func connect(
        _ client: ConnectParameters.Client, role: String, scopes: [String]?, nonce: String, challengedAt: Int64
    ) throws -> ConnectParameters {
        var connect = ConnectParameters(client: client, role: role, scopes: scopes)
        switch self {
        case .none: break
        case .token(let token): connect.secret = token
        case .device(let identity, let token):
            connect.secret = token
            var device = ConnectParameters.Device(
                id: identity.id, publicKey: identity.publicKey, signature: "", signedAt: challengedAt, nonce: nonce)
            let text = DeviceSignature.texts(connect, device)[0]
            device.signature = try identity.sign(text)
            connect.device = device
        }
        return connect
    }
}
