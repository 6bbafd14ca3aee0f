#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A port of 127.0.0.1 that stays ours while nobody listens on it: bound, and never listened on.
///
/// Between two lives the system could give it to anyone who asks for a free one, and clients would meet a stranger there.
struct ReservedPort: Sendable {
    let number: Int
    private let descriptor: Int32

    /// Reserves a port until ``release()``; 0 takes a free one.
    init(_ port: Int) throws(OpenClawLoopbackError) {
        guard let port = UInt16(exactly: port) else { throw Self.failure(port, "it is no port") }
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #endif
        descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw Self.failure(Int(port), String(cString: strerror(errno))) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        number = Int(UInt16(bigEndian: address.sin_port))
        guard isBound else {
            let cause = String(cString: strerror(errno))
            close(descriptor)
            throw Self.failure(Int(port), cause)
        }
    }

    func release() { close(descriptor) }

    private static func failure(_ port: Int, _ cause: String) -> OpenClawLoopbackError {
        .init(
            .port, "Port \(port) of 127.0.0.1 can't be listened on", cause: cause, hint: "Give another port, or 0 for a free one."
        )
    }
}
