/// Where a gateway is to be found.
public enum GatewayAddress: Hashable, Sendable, CustomStringConvertible {
    /// A WebSocket address, `ws://` or `wss://`.
    case web(String)
    /// The path of a Unix socket, over which WebSocket is spoken too.
    case unix(path: String)

    /// As a person writes it.
    public var description: String {
        switch self {
        case .web(let address): address
        case .unix(let path): "unix:\(path)"
        }
    }
}
