#if os(Linux)
    import Foundation
    import Glibc
    import Logging
    import NIOCore
    import NIOHTTP1
    import NetSupport
    import Synchronization
    import Testing

    @Suite("Who waits while nobody takes connections", .timeLimit(.minutes(1)))
    struct ListeningQueueTests {
        @Test("a Unix socket whose queue is full is told like one where nobody listens: come again")
        func fullQueue() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "queue-\(getpid()).sock").path
            let listener = try ListeningSocket.bind(path: path)
            // One may wait.
            try #require(listen(listener, 0) == 0)
            defer {
                close(listener)
                unlink(path)
            }
            let first = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(first) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let isWaiting = withUnsafeBytes(of: &address) { bytes in
                connect(first, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
            }
            try #require(isWaiting)
            let error = await #expect(throws: WebSocketError.self) {
                try await WebSocketClient().withConnection(to: WebSocketAddress("ws://localhost/"), through: path) { _ in }
            }
            #expect(error?.code == .notListening)
        }

        @Test("a port whose queue is full answers nothing: who is cancelled meanwhile does not wait for it")
        func cancelledWhileConnecting() async throws {
            let listener = try ListeningSocket.bind(port: 0)
            try #require(listen(listener, 0) == 0)
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let first = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer {
                close(first)
                close(listener)
            }
            let isWaiting = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getsockname(listener, $0, &size) == 0 && connect(first, $0, size) == 0
                }
            }
            try #require(isWaiting)
            var configuration = WebSocketClient.Configuration()
            // Nothing else would end it within the suite's limit.
            configuration.connectTimeout = .seconds(3600)
            let client = WebSocketClient(configuration: configuration)
            let port = UInt16(bigEndian: address.sin_port)
            let place = try WebSocketAddress("ws://127.0.0.1:\(port)/")
            let connecting = Task { try await client.withConnection(to: place) { _ in } }
            // SYN_SENT: proc_net_tcp, "st".
            let asks = "0100007F:" + String(format: "%04X", Int(port)) + " 02"
            while !Self.connections().contains(asks) { await Task.yield() }
            connecting.cancel()
            await #expect(throws: CancellationError.self) { try await connecting.value }
        }

        /// The kernel's table, whole: it is handed out a page at a time, and a short read is not its end.
        private static func connections() -> String {
            let file = open("/proc/self/net/tcp", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
            while case let count = read(file, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
            return String(decoding: bytes, as: UTF8.self)
        }

        private struct Nobody: WebServerHandler {
            func accepts(handshake: HTTPRequestHead) -> Bool { false }
            func reply(to request: WebServerRequest) async -> WebServerReply { .close }
            func serve(_ socket: WebServerSocket, messages: WebServerMessages) async {}
        }

        /// Tells each line.
        private struct Hearer: LogHandler {
            let lines: AsyncStream<String>.Continuation
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.debug
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }
            func log(event: LogEvent) { lines.yield("\(event.message)") }
        }

        @Test("a port of its own that somebody else holds for a moment, as what is forked off does, is waited for")
        func stillHeld() async throws {
            let (lines, heard) = AsyncStream.makeStream(of: String.self)
            let logger = Logger(label: "web-server") { _ in Hearer(lines: heard) }
            let server = WebServer(configuration: .init(), logger: logger)
            let (ports, bound) = AsyncStream.makeStream(of: Int.self)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run(Nobody()) { bound.yield($0) } }
                var port = ports.makeAsyncIterator()
                var line = lines.makeAsyncIterator()
                let first = await port.next() ?? 0
                server.stopListening()
                var holder: Int32?
                while holder == nil {
                    holder = try? ListeningSocket.bind(port: first)
                    await Task.yield()
                }
                server.startListening()
                while let line = await line.next(), line != "the port is still held" {}
                close(holder ?? -1)
                #expect(await port.next() == first)
                group.cancelAll()
            }
        }

        private final class Queue: Sendable {
            let length = Mutex<UInt32>(0)
        }

        @Test("a listening socket that was handed in lets more wait than NIO would: a restart takes its time")
        func handedIn() async throws {
            let listener = try ListeningSocket.bind(port: 0)
            let server = WebServer(configuration: .init(descriptor: listener))
            let queue = Queue()
            let (bound, isBound) = AsyncStream.makeStream(of: Void.self)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await server.run(Nobody()) { _ in
                        var info = tcp_info()
                        var length = socklen_t(MemoryLayout<tcp_info>.size)
                        getsockopt(listener, Int32(IPPROTO_TCP), TCP_INFO, &info, &length)
                        // Of a listening socket it is the most that may wait: tcp_diag.c.
                        queue.length.withLock { $0 = info.tcpi_sacked }
                        isBound.finish()
                    }
                }
                for await _ in bound {}
                group.cancelAll()
            }
            #expect(queue.length.withLock { $0 } >= 1_024)
        }
    }
#endif
