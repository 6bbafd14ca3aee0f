import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Who is at the other end of a connection.
public struct WebServerPeer: Hashable, Sendable {
    /// The IP address; `unix` for a Unix socket.
    public var address: String
    /// The user at the other end of a Unix socket, as the kernel says (SO_PEERCRED, unix(7)).
    public var uid: UInt32?
    /// The process at the other end of a Unix socket.
    public var pid: Int32?

    /// Makes a peer.
    public init(address: String, uid: UInt32? = nil, pid: Int32? = nil) {
        self.address = address
        self.uid = uid
        self.pid = pid
    }

    /// `struct ucred`.
    private struct Credentials {
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
    }

    /// Looks at the channel's other end.
    static func of(_ channel: any Channel) -> EventLoopFuture<WebServerPeer> {
        if let address = channel.remoteAddress?.ipAddress {
            return channel.eventLoop.makeSucceededFuture(WebServerPeer(address: address))
        }
        let nobody = WebServerPeer(address: "unix")
        #if os(Linux)
            guard let options = channel as? any SocketOptionProvider else {
                return channel.eventLoop.makeSucceededFuture(nobody)
            }
            let asked: EventLoopFuture<Credentials> = options.unsafeGetSocketOption(
                level: .init(rawValue: SOL_SOCKET), name: .init(rawValue: SO_PEERCRED))
            return asked.map { WebServerPeer(address: "unix", uid: $0.uid, pid: $0.pid) }.recover { _ in nobody }
        #else
            return channel.eventLoop.makeSucceededFuture(nobody)
        #endif
    }
}
