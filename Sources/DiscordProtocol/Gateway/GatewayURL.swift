/// Where a gateway connection goes. Identify and Resume carry the token, so an address from outside is used only if it is
/// trusted.
public struct GatewayURL: Hashable, Sendable {
    /// True for `wss`.
    public let isSecure: Bool
    /// The host, in lower case, without brackets.
    public let host: String
    /// The port; 443 for `wss` and 80 for `ws` where none is given.
    public let port: Int
    /// The path, at least `/`, without a query.
    public let path: String

    /// Splits `ws[s]://host[:port][/path][?query]`; `nil` for any other shape, for user information, and for odd characters.
    public init?(_ text: String) {
        guard text.utf8.count <= 512, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            return nil
        }
        let rest: Substring
        if text.lowercased().hasPrefix("wss://") {
            (isSecure, rest) = (true, text.dropFirst(6))
        } else if text.lowercased().hasPrefix("ws://") {
            (isSecure, rest) = (false, text.dropFirst(5))
        } else {
            return nil
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@"), let (host, port) = Self.split(authority) else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        let path = rest[authority.endIndex...].prefix { $0 != "?" && $0 != "#" }
        self.path = path.isEmpty ? "/" : String(path)
    }

    private static func split(_ authority: Substring) -> (host: String, port: Int?)? {
        var host = authority
        var portText: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            portText = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty else { return nil }
        guard let portText else { return (host.lowercased(), nil) }
        guard let port = UInt16(portText), port > 0, portText.first != "+" else { return nil }
        return (host.lowercased(), Int(port))
    }

    /// Whether the token may be sent there: `wss` to a host under `discord.gg` on port 443, or exactly a loopback address that
    /// the configuration names (`127.0.0.1:8080`, with `ws` or `wss`).
    public func isTrusted(loopback: Set<String>) -> Bool {
        if isLoopback { return loopback.contains("\(host):\(port)") }
        return isSecure && port == 443 && host.hasSuffix(".discord.gg") && !host.hasPrefix(".")
    }

    /// Whether the host is this machine: `localhost`, `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The address to connect to, with the query that a resume must repeat exactly.
    public var connectURL: String {
        let printedHost = host.contains(":") ? "[\(host)]" : host
        let isDefaultPort = port == (isSecure ? 443 : 80)
        return "\(isSecure ? "wss" : "ws")://\(printedHost)\(isDefaultPort ? "" : ":\(port)")\(path)?v=10&encoding=json"
    }
}
