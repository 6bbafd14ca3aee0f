import ControlServer
import Foundation
import GatewayProtocol
import Glibc
import Logging
import NIOCore
import NIOPosix
import Testing
import WakeCore
import WakeService

@Suite("The control sockets")
struct ControlServerTests {
    /// A listening socket on this machine, as a service manager would hand it in.
    private func listener() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            return bind(descriptor, pointer, length) == 0 && listen(descriptor, 128) == 0
                && getsockname(descriptor, pointer, &length) == 0
        }
        try #require(isListening)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private func connect(_ port: UInt16) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(host: "127.0.0.1", port: Int(port)) {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
    }

    /// Everything that comes until the far side closes.
    private func ask(_ text: String, _ port: UInt16) async throws -> String {
        try await connect(port).executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var all = ByteBuffer()
            for try await part in inbound { all.writeImmutableBuffer(part) }
            return String(buffer: all)
        }
    }

    private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" }

    private func serving(
        _ health: ControlServer.Health, _ body: (ControlServer, UInt16, _ spare: Int32) async throws -> Void
    ) async throws {
        let (descriptor, port) = try listener()
        // The service manager keeps its own.
        let spare = dup(descriptor)
        defer { close(spare) }
        let server = try Self.server(descriptor, health)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(server, port, spare)
            group.cancelAll()
        }
    }

    private struct NoDesk: ControlDesk, PairingBook {
        let methods: [String: ControlMethod] = [:]
        let events: [String: Scope] = [:]
        func answer(_ call: ControlCall) async -> Result<JSONValue?, GatewayFault> { .success(nil) }
        func snapshot() async -> JSONObject { [:] }
        func pairing(ofDevice id: String, publicKey: String) async -> Pairing? { nil }
        func request(_ wish: PairingWish) async -> String { "" }
    }

    private static func server(_ descriptor: Int32, _ health: ControlServer.Health) throws -> ControlServer {
        ControlServer(
            listeners: [.descriptor(descriptor)],
            .init(
                access: ControlAccess(owner: 0), desk: NoDesk(), pairings: NoDesk(), health: { health }, metrics: { "" },
                moments: try SystemMoments(environment: [:]), dice: SystemDice(), version: "test", logger: Logger(label: "test")))
    }

    private let good = ControlServer.Health(isRecovered: true, channels: [("discord:default", true)], status: "all \"well\"")

    @Test("say that the daemon lives, and whether it is ready, in stages")
    func health() async throws {
        try await serving(good) { _, port, _ in
            let live = try await ask(get("/healthz"), port)
            #expect(live.hasPrefix("HTTP/1.1 200 OK") && live.hasSuffix("{\"live\":true,\"status\":\"all \\\"well\\\"\"}\n"))
            let ready = try await ask(get("/readyz?verbose"), port)
            #expect(
                ready.hasPrefix("HTTP/1.1 200 OK")
                    && ready.contains("{\"ready\":true,\"ledger\":true,\"channels\":{\"discord:default\":true}"))
        }
        var waiting = good
        waiting.channels = [("discord:default", false)]
        try await serving(waiting) { _, port, _ in
            let answer = try await ask(get("/readyz"), port)
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1") && answer.contains("\"ready\":false"))
        }
    }

    @Test(
        "say clearly what they do not serve",
        arguments: [
            ("GET / HTTP/1.1\r\nConnection: close\r\n", "404"),
            ("GET / HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n", "400"),
            ("POST /healthz HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n", "405"),
        ])
    func unserved(head: String, status: String) async throws {
        try await serving(good) { _, port, _ in
            let answer = try await ask(head + "Host: localhost\r\n\r\n", port)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        }
    }

    @Test("a stop answers who has connected, ends who is idle, and leaves who comes later in the socket")
    func drain() async throws {
        let (descriptor, port) = try listener()
        let spare = dup(descriptor)
        defer { close(spare) }
        let good = good
        let server = try Self.server(descriptor, good)
        let running = Task { try await server.run() }
        let idle = try await connect(port)
        let early = try await connect(port)
        try await idle.executeThenClose { idleIn, idleOut in
            try await early.executeThenClose { earlyIn, earlyOut in
                var idleParts = idleIn.makeAsyncIterator()
                try await idleOut.write(ByteBuffer(string: "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                // Answered, so both have been taken: they came in this order.
                let first = try await idleParts.next()
                #expect(first != nil)
                server.stop(reason: "test")
                while let rest = try await idleParts.next() {
                    let text = String(buffer: rest)
                    #expect(text.contains("live"))
                }
                try await earlyOut.write(ByteBuffer(string: "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                var answer = ByteBuffer()
                for try await part in earlyIn { answer.writeImmutableBuffer(part) }
                #expect(String(buffer: answer).hasPrefix("HTTP/1.1 200 ") && String(buffer: answer).contains("close"))
            }
        }
        try await running.value
        // The next life of the daemon takes the same socket.
        let late = try await connect(port)
        let next = try Self.server(dup(spare), good)
        let again = Task { try await next.run() }
        try await late.executeThenClose { lateIn, lateOut in
            try await lateOut.write(ByteBuffer(string: get("/healthz")))
            var answer = ByteBuffer()
            for try await part in lateIn { answer.writeImmutableBuffer(part) }
            #expect(String(buffer: answer).hasPrefix("HTTP/1.1 200 "))
        }
        next.stop(reason: "test")
        try await again.value
    }

    @Test("nobody who connects around a stop is dropped: each is answered by this life or by the next")
    func stops() async throws {
        let (descriptor, port) = try listener()
        let spare = dup(descriptor)
        defer { close(spare) }
        let good = good
        var next = descriptor
        for _ in 0..<20 {
            let server = try Self.server(next, good)
            let running = Task { try await server.run() }
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        if number == 20 { server.stop(reason: "test") }
                        return try await ask(get("/healthz"), port)
                    }
                }
                // Whoever came too late waits in the socket for the next life.
                try await running.value
                let heir = try Self.server(dup(spare), good)
                let inheriting = Task { try await heir.run() }
                let answers = try await group.reduce(into: []) { $0.append($1) }
                heir.stop(reason: "test")
                try await inheriting.value
                return answers
            }
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200 ") }, "\(answers.filter { !$0.hasPrefix("HTTP/1.1 200 ") })")
            next = dup(spare)
        }
        close(next)
    }
}
