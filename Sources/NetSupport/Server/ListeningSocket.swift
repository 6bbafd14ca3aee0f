import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Opens listening sockets that are handed on by their descriptor.
public enum ListeningSocket {
    /// Why one can't be opened.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// What could not be done, and the system's words.
        public let description: String

        init(_ deed: String, _ number: Int32) { description = "\(deed): \(String(cString: strerror(number)))" }
    }

    private static let backlog: Int32 = 1_024

    /// Listens at a path. Who may connect is decided by looking at each peer, so everybody may.
    ///
    /// - Parameter path: where; a socket that nobody listens at any more is replaced.
    /// - Returns: the descriptor.
    /// - Throws: ``Fault``: somebody listens there, the folder is missing or can't be written, the path is too long.
    public static func bind(path: String) throws(Fault) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else { throw Fault("the path has more than \(room - 1) bytes", ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = try open(AF_UNIX)
        var result = on(&address) { Self.bind(descriptor, $0, size) }
        if result != 0, errno == EADDRINUSE {
            let probe = try open(AF_UNIX)
            let isAlive = on(&address) { connect(probe, $0, size) } == 0 || errno == EAGAIN
            close(probe)
            if !isAlive {
                unlink(path)
                result = on(&address) { Self.bind(descriptor, $0, size) }
            } else {
                errno = EADDRINUSE
            }
        }
        guard result == 0 else { throw failed(descriptor, "it can't be bound") }
        chmod(path, 0o666)
        return try listening(descriptor)
    }

    /// Listens on a port of 127.0.0.1.
    ///
    /// - Parameter port: which; 0 takes a free one.
    /// - Returns: the descriptor.
    /// - Throws: ``Fault``, where it is taken, for one.
    public static func bind(port: Int) throws(Fault) -> Int32 {
        let descriptor = try open(AF_INET)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let address = try? SocketAddress(ipAddress: "127.0.0.1", port: port)
        guard address?.withSockAddr({ Self.bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            throw failed(descriptor, "it can't be bound")
        }
        return try listening(descriptor)
    }

    private static func open(_ family: Int32) throws(Fault) -> Int32 {
        #if os(Linux)
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(family, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw Fault("no socket is to be had", errno) }
        return descriptor
    }

    private static func listening(_ descriptor: Int32) throws(Fault) -> Int32 {
        guard listen(descriptor, backlog) == 0 else { throw failed(descriptor, "nobody can be listened to") }
        return descriptor
    }

    private static func failed(_ descriptor: Int32, _ deed: String) -> Fault {
        let fault = Fault(deed, errno)
        close(descriptor)
        return fault
    }

    private static func bind(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
        #if canImport(Glibc)
            Glibc.bind(descriptor, address, size)
        #elseif canImport(Musl)
            Musl.bind(descriptor, address, size)
        #else
            Darwin.bind(descriptor, address, size)
        #endif
    }

    private static func on<Address>(_ address: inout Address, _ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
        }
    }
}
