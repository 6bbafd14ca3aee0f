import Glibc

/// A bare echo server on a thread, and a client of it.
final class Echo: @unchecked Sendable {
    private let descriptor: Int32
    private let count: Int

    init(count: Int) {
        self.count = count
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            precondition(bind(listener, pointer, length) == 0 && listen(listener, 1) == 0)
            precondition(getsockname(listener, pointer, &length) == 0)
            precondition(connect(descriptor, pointer, length) == 0)
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        let accepted = accept(listener, nil, nil)
        setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        var thread = pthread_t()
        let context = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        context.pointee = accepted
        pthread_create(
            &thread, nil,
            { pointer in
                let socket = pointer!.assumingMemoryBound(to: Int32.self).pointee
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while case let count = read(socket, &buffer, buffer.count), count > 0 { _ = write(socket, buffer, count) }
                return nil
            }, context)
    }

    func roundTrip() {
        var buffer = [UInt8](repeating: 0x78, count: count)
        _ = write(descriptor, buffer, count)
        var got = 0
        while got < count { got += read(descriptor, &buffer, count) }
    }
}
