/// Where a WebSocket client connects to. Plain `ws` is for this machine only.
public struct WebSocketAddress: Hashable, Sendable {
    /// True for `wss`.
    public let isSecure: Bool
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// The port.
    public let port: Int
    /// Path and query, as sent in the request line.
    public let target: String

    /// Splits `ws[s]://host[:port][/path][?query]`.
    ///
    /// - Parameters:
    ///   - text: the address.
    ///   - allowsInsecure: whether `ws` to another machine is let pass; default no.
    /// - Throws: ``WebSocketError`` with `invalidAddress` for any other shape, `insecureAddress` for `ws` to another machine.
    public init(_ text: String, allowsInsecure: Bool = false) throws(WebSocketError) {
        let invalid = WebSocketError(.invalidAddress, "not a WebSocket address (ws:// or wss://)")
        guard text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw invalid }
        let isSecure = text.hasPrefix("wss://")
        guard isSecure || text.hasPrefix("ws://") else { throw invalid }
        let rest = text.dropFirst(isSecure ? 6 : 5)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let target = rest[authority.endIndex...].prefix { $0 != "#" }
        guard !authority.contains("@") else { throw invalid }
        var host = authority
        var port: Int? = isSecure ? 443 : 80
        let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[afterBracket...].firstIndex(of: ":") {
            host = authority[..<colon]
            port = UInt16(authority[authority.index(after: colon)...]).map(Int.init)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let port, port > 0, !host.isEmpty else { throw invalid }
        self.isSecure = isSecure
        self.host = String(host)
        self.port = port
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
        guard isSecure || isLoopback || allowsInsecure else {
            throw WebSocketError(
                .insecureAddress, "plain ws:// to \(self.host) would show everything on the network", hint: "use wss://")
        }
    }

    /// Whether the host is this machine: `localhost`, `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        if host.lowercased() == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// What the Host header says.
    var hostHeader: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }
}
