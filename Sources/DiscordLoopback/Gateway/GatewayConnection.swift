import NIOCore
import NIOHTTP1
import NetSupport

/// Carries one gateway WebSocket: what comes in goes to the state, what the state orders goes out.
struct GatewayConnection {
    let socket: WebServerSocket
    let world: LoopbackWorld
    let sleep: @Sendable (Duration) async throws -> Void

    func run(_ messages: WebServerMessages) async {
        let (orders, mailbox) = AsyncStream.makeStream(
            of: ConnectionOrder.self, bufferingPolicy: .bufferingOldest(LoopbackLimits.framesQueuedPerConnection))
        let query =
            socket.head.uri.firstIndex(of: "?").map {
                APIRequest.query(socket.head.uri[socket.head.uri.index(after: $0)...])
            } ?? [:]
        let id = socket.id
        world.withState {
            $0.connected(
                id, query: query, userAgent: socket.head.headers.first(name: "User-Agent") ?? "", mailbox: mailbox)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await write(orders, compressed: query["compress"] == "zlib-stream") }
            group.addTask { await read(messages) }
            await group.next()
            // Whoever ends first ends the other: a finished mailbox drops the socket, an ended socket finishes the mailbox.
            group.cancelAll()
        }
        world.withState { _ = $0.disconnected(id, code: nil) }
    }

    private func read(_ messages: WebServerMessages) async {
        let id = socket.id
        do {
            for try await message in messages {
                switch message {
                case .text(let text): world.withState { $0.received(text, bytes: text.utf8.count, on: id) }
                case .binary(let bytes):
                    let text = String(buffer: bytes)
                    world.withState { $0.received(text, bytes: bytes.readableBytes, on: id) }
                case .malformed: world.withState { $0.received(nil, bytes: 0, on: id) }
                case .close(let code, _):
                    let wantsAnswer = world.withState { $0.disconnected(id, code: code) }
                    if wantsAnswer { try? await socket.sendClose(code: code, reason: "") }
                    return
                }
            }
        } catch {
            // A broken connection ends like a closed one.
        }
        world.withState { _ = $0.disconnected(id, code: nil) }
    }

    private func write(_ orders: AsyncStream<ConnectionOrder>, compressed: Bool) async {
        await withDiscardingTaskGroup { timers in
            var deflater = compressed ? Deflater() : nil
            do {
                for await order in orders {
                    switch order {
                    case .send(let text):
                        if let bytes = deflater?.compress(text) {
                            try await socket.send(binary: ByteBuffer(bytes: bytes))
                        } else {
                            try await socket.send(text: text)
                        }
                    case .sendBinary(let bytes): try await socket.send(binary: ByteBuffer(bytes: bytes))
                    case .wait(let duration, let timer): timers.addTask { await wait(duration, timer) }
                    case .drop(let reset): socket.drop(reset: reset)
                    case .close(let code, let reason):
                        try await socket.sendClose(code: code, reason: reason)
                        timers.addTask { await giveUpOnClose() }
                    }
                }
            } catch {
                // The peer is gone; the reader notices too.
            }
            timers.cancelAll()
            socket.drop(reset: false)
        }
    }

    private func wait(_ duration: Duration, _ timer: GatewayTimer) async {
        let id = socket.id
        guard (try? await sleep(duration)) != nil else { return }
        world.withState { $0.timeIsUp(timer, on: id) }
    }

    /// A peer that does not answer a close frame within 2 s is dropped.
    private func giveUpOnClose() async {
        guard (try? await sleep(.seconds(2))) != nil else { return }
        socket.drop(reset: false)
    }
}
