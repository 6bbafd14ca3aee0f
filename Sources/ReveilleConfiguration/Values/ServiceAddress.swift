/// The address of a service: `https://discord.com/api/v10`, `ws://127.0.0.1:8080/`.
///
/// A token is sent to it, so plain text is allowed to this machine only.
public struct ServiceAddress: Sendable, Hashable, CustomStringConvertible {
    /// The scheme in lower case: `https`, `http`, `wss` or `ws`.
    public let scheme: String
    /// The host in lower case; an IPv6 address without its brackets.
    public let host: String
    /// The port, if one is given.
    public let port: Int?
    /// The path, empty or beginning with `/`, without a slash at the end.
    public let path: String

    /// Reads an address.
    ///
    /// - Throws: ``ValueFault`` if it is no address, has a user, query or fragment, or a scheme other than `schemes`, or is plain
    ///   text to another machine.
    init(parsing text: String, schemes: [String]) throws(ValueFault) {
        let example = "write for example \"\(schemes[0])://…\""
        guard text.utf8.count <= 2_000, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let colon = text.range(of: "://") else {
            throw ValueFault("is no address", hint: example)
        }
        scheme = text[..<colon.lowerBound].lowercased()
        guard schemes.contains(scheme) else {
            throw ValueFault("must begin with \(schemes.map { $0 + "://" }.joined(separator: " or "))", hint: example)
        }
        let rest = text[colon.upperBound...]
        guard !rest.contains(where: { "@?#\\".contains($0) }) else {
            throw ValueFault("must have no user, query or fragment", hint: "give only scheme, host, port and path")
        }
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.last == "/" { path.removeLast() }
        self.path = path
        guard let (host, port) = Self.split(authority) else { throw ValueFault("has a faulty host or port", hint: example) }
        self.host = host
        self.port = port
        guard scheme == "https" || scheme == "wss" || isLoopback else {
            throw ValueFault(
                "is plain text to another machine, which would show the token to the network",
                hint: "use \(scheme == "ws" ? "wss" : "https")://, or a loopback host such as 127.0.0.1")
        }
    }

    /// Whether it is on this machine: `localhost`, 127.0.0.0/8 or `::1`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { part in UInt8(part).map { "\($0)" == part } ?? false }
    }

    /// The address as text, without a slash at the end.
    public var description: String {
        scheme + "://" + (host.contains(":") ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "") + path
    }

    private static func split(_ authority: Substring) -> (host: String, port: Int?)? {
        var host = authority
        var port: Int?
        let bracket = authority.firstIndex(of: "]")
        if let colon = authority.lastIndex(of: ":"), bracket.map({ colon > $0 }) ?? true {
            host = authority[..<colon]
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            port = Int(number)
        }
        if host.first == "[" {
            guard host.last == "]" else { return nil }
            host = host.dropFirst().dropLast()
            guard !host.isEmpty, host.utf8.allSatisfy({ JSON5Scanner.hexadecimalValue(.init($0)) != nil || $0 == 0x3A }) else {
                return nil
            }
        } else {
            let isName = host.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2E || $0 == 0x2D
            }
            guard !host.isEmpty, isName else { return nil }
        }
        return (host.lowercased(), port)
    }
}

extension StringProtocol {
    /// The first occurrence of `text`, without Foundation.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
