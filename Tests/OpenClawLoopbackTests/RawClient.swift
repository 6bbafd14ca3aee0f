import NIOCore
import NetSupport

@testable import OpenClawLoopback

/// A client that knows nothing but frames: it sends what it is told, and shows what came.
actor RawClient {
    /// What came to an end before it came to what was waited for.
    struct Ended: Error {}

    private struct Waiter {
        let matches: @Sendable (JSON) -> Bool
        let continuation: CheckedContinuation<JSON, any Error>
    }

    private let connection: WebSocketConnection
    private var frames: [JSON] = []
    private var waiters: [Waiter] = []
    private var end: WebSocketConnection.Close??
    private var endWaiters: [CheckedContinuation<WebSocketConnection.Close?, Never>] = []
    private var count = 0

    init(_ connection: WebSocketConnection) { self.connection = connection }

    nonisolated func read() async {
        let close = try? await connection.receive { message in
            guard case .text(let bytes) = message, let frame = JSON(parsing: String(buffer: bytes)) else { return }
            await take(frame)
        }
        await finish(close)
    }

    private func finish(_ close: WebSocketConnection.Close?) {
        end = .some(close)
        for waiter in waiters { waiter.continuation.resume(throwing: Ended()) }
        for waiter in endWaiters { waiter.resume(returning: close) }
    }

    private func take(_ frame: JSON) {
        guard let index = waiters.firstIndex(where: { $0.matches(frame) }) else { return frames.append(frame) }
        waiters.remove(at: index).continuation.resume(returning: frame)
    }

    /// Takes the first frame that matches out of those that came, or waits for it.
    func frame(where matches: @escaping @Sendable (JSON) -> Bool) async throws -> JSON {
        if let index = frames.firstIndex(where: matches) { return frames.remove(at: index) }
        if end != nil { throw Ended() }
        return try await withCheckedThrowingContinuation { waiters.append(Waiter(matches: matches, continuation: $0)) }
    }

    /// Whether a frame has come that matches.
    func has(where matches: (JSON) -> Bool) -> Bool { frames.contains(where: matches) }

    func event(_ name: String) async throws -> JSON { try await frame { $0["event"] == .string(name) } }

    func answer(_ id: String) async throws -> JSON { try await frame { $0["id"] == .string(id) } }

    /// The close frame with which the connection ended; `nil` for an end without one.
    func closed() async -> WebSocketConnection.Close? {
        if let end { return end }
        return await withCheckedContinuation { endWaiters.append($0) }
    }

    nonisolated func send(_ text: String) { connection.send(text: ByteBuffer(string: text)) }

    /// Sends a request; its id.
    @discardableResult
    func request(_ method: String, _ params: JSON = [:]) -> String {
        count += 1
        let id = "r\(count)"
        send((["type": "req", "id": .string(id), "method": .string(method), "params": params] as JSON).text)
        return id
    }

    /// Sends a request; the first answer to it.
    func call(_ method: String, _ params: JSON = [:]) async throws -> JSON { try await answer(request(method, params)) }

    static func hello(
        scopes: [String] = ["operator.admin"], token: String = Rig.token, client: String = "gateway-client",
        mode: String = "backend",
        protocols: ClosedRange<Int> = 3...4
    ) -> JSON {
        [
            "minProtocol": JSON(protocols.lowerBound), "maxProtocol": JSON(protocols.upperBound),
            "client": ["id": .string(client), "version": "1", "platform": "linux", "mode": .string(mode)],
            "scopes": JSON(scopes), "auth": ["token": .string(token)],
        ]
    }
}
