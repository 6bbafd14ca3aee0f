import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

@testable import DiscordLoopback

/// Clocks that a test can put forward; waiting stays real. Frozen ones move only then.
final class MovableTime: Sendable {
    private let frozenAt: (wall: Int64, monotonic: UInt64)?
    private let offset = Mutex<UInt64>(0)

    init(frozen: Bool) {
        let live = LoopbackTime.live
        frozenAt = frozen ? (live.wallMilliseconds(), live.monotonicNanoseconds()) : nil
    }

    func advance(by duration: Duration) { offset.withLock { $0 += duration.nanoseconds } }

    var source: LoopbackTime {
        let live = LoopbackTime.live
        return LoopbackTime(
            wallMilliseconds: {
                (self.frozenAt?.wall ?? live.wallMilliseconds()) + Int64(self.offset.withLock(\.self) / 1_000_000)
            },
            monotonicNanoseconds: { (self.frozenAt?.monotonic ?? live.monotonicNanoseconds()) + self.offset.withLock(\.self) },
            sleep: live.sleep)
    }
}

/// A running loopback and a client's view of it.
struct Rig: Sendable {
    let server: DiscordLoopbackServer
    let address: DiscordLoopbackServer.Address
    let time: MovableTime

    var world: LoopbackWorld { server.world }
    var log: LoopbackLog { server.world.log }

    struct Reply {
        let status: Int
        let headers: HTTPHeaders
        let text: String
        var json: JSON { (try? JSON(parsing: text)) ?? .null }
        subscript(key: String) -> JSON { json[key: key] ?? .null }
    }

    static let channel = LoopbackOptions.defaultChannel
    static let thread = LoopbackOptions.defaultThread

    @discardableResult
    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSON? = nil, token: String? = LoopbackOptions.defaultToken,
        headers: [(String, String)] = []
    ) async throws -> Reply {
        let bytes = body.map { Array($0.text.utf8) }
        let type = body.map { _ in [("Content-Type", "application/json")] } ?? []
        return try await call(method, path, bytes: bytes, token: token, headers: type + headers)
    }

    func call(
        _ method: HTTPMethod, _ path: String, bytes: [UInt8]?, token: String? = LoopbackOptions.defaultToken,
        headers: [(String, String)] = []
    ) async throws -> Reply {
        let base = path.hasPrefix("/_loopback") ? "http://127.0.0.1:\(address.port)" : address.rest
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bot \(token)") }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let bytes { request.body = .bytes(ByteBuffer(bytes: bytes)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 64 << 20)
        return Reply(status: Int(response.status.code), headers: response.headers, text: String(buffer: body))
    }

    @discardableResult
    func post(_ body: JSON, to channel: Snowflake = Rig.channel) async throws -> Reply {
        try await call(.POST, "/channels/\(channel)/messages", body)
    }
}

/// Runs a loopback for as long as the test needs it.
func withLoopback(
    _ change: (inout LoopbackOptions) -> Void = { _ in }, frozen: Bool = false, _ test: (Rig) async throws -> Void
) async throws {
    var options = LoopbackOptions()
    change(&options)
    let time = MovableTime(frozen: frozen)
    let server = try DiscordLoopbackServer(options: options, time: time.source)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        try await test(Rig(server: server, address: try await server.address(), time: time))
        group.cancelAll()
    }
}
