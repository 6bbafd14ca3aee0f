import Foundation
import Glibc

/// A client that does what it is told, well-behaved or not: bytes over a socket, and WebSocket frames where they are wanted.
///
/// Its calls block: use it on a thread, with ``onThread(_:)``.
final class RawSocket: @unchecked Sendable {
    struct Closed: Error {}

    /// One frame from the server.
    struct Frame: Sendable, Equatable {
        let opcode: UInt8
        let payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        /// Of a close frame.
        var close: (code: Int, reason: String)? {
            guard opcode == 8, payload.count >= 2 else { return nil }
            return (Int(payload[0]) << 8 | Int(payload[1]), String(decoding: payload[2...], as: UTF8.self))
        }
    }

    private let descriptor: Int32
    private var rest: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try connect(&address)
    }

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try connect(&address)
    }

    deinit { close(descriptor) }

    private func connect<Address>(_ address: inout Address) throws {
        // Nothing that comes takes so long; what does not come must not hang the test.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard result == 0 else { throw Closed() }
    }

    func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Closed() }
            sent += count
        }
    }

    func write(_ text: String) throws { try write(Array(text.utf8)) }

    private func more() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Closed() }
        rest += buffer[..<count]
    }

    /// Everything until the server closes.
    func readAll() -> String {
        while (try? more()) != nil {}
        defer { rest = [] }
        return String(decoding: rest, as: UTF8.self)
    }

    /// Becomes a WebSocket.
    func upgrade(_ path: String = "/") throws {
        try write(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        let end = Array("\r\n\r\n".utf8)
        while rest.firstRange(of: end) == nil { try more() }
        if let range = rest.firstRange(of: end) { rest.removeSubrange(..<range.upperBound) }
    }

    /// The bytes of a masked text frame.
    static func frame(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var frame: [UInt8] = [0x81]
        if bytes.count < 126 {
            frame.append(0x80 | UInt8(bytes.count))
        } else {
            frame += [0x80 | 126, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)]
        }
        // A mask of zeros is a mask.
        return frame + [0, 0, 0, 0] + bytes
    }

    func send(text: String) throws { try write(Self.frame(text)) }

    /// The next frame.
    func read() throws -> Frame {
        func need(_ count: Int) throws { while rest.count < count { try more() } }
        try need(2)
        var (length, head) = (Int(rest[1] & 0x7F), 2)
        if length == 126 {
            try need(4)
            (length, head) = (Int(rest[2]) << 8 | Int(rest[3]), 4)
        } else if length == 127 {
            try need(10)
            (length, head) = (rest[2..<10].reduce(0) { $0 << 8 | Int($1) }, 10)
        }
        try need(head + length)
        let frame = Frame(opcode: rest[0] & 0x0F, payload: Array(rest[head..<head + length]))
        rest.removeFirst(head + length)
        return frame
    }

    /// How the server closes it; nil where it ends without a close frame.
    func readClose() -> (code: Int, reason: String)? {
        while let frame = try? read() { if let close = frame.close { return close } }
        return nil
    }
}

/// Does what blocks on a thread of its own.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.stackSize = 256 << 10
        thread.start()
    }
}

/// A port of this machine that is free now.
func freePort() -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutableBytes(of: &address) { bytes in
        let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
        _ = bind(descriptor, pointer, length)
        _ = getsockname(descriptor, pointer, &length)
    }
    return Int(UInt16(bigEndian: address.sin_port))
}
