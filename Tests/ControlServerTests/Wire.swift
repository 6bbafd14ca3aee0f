import NIOCore
import NIOPosix
import WakeCore

/// A client made by hand: it may misbehave in every way, and shares no mistake with the rooms that it judges.
struct Wire: Sendable {
    /// What comes from the server.
    enum Item: Sendable {
        /// A message, by its opcode.
        case frame(opcode: UInt8, [UInt8])
        /// All of an answer that is no WebSocket's, told at its end.
        case http(String)
    }

    struct Close: Hashable, CustomStringConvertible {
        let code: UInt16
        let reason: String
        var description: String { "\(code) \(reason)" }
    }

    let channel: any Channel
    private let items: AsyncStream<Item>
    private let reader: NIOLoopBound<Reader>

    // MARK: Connecting

    static func connect(port: Int) async throws -> Wire {
        try await open { try await $0.connect(host: "127.0.0.1", port: port).get() }
    }

    static func connect(path: String) async throws -> Wire {
        try await open { try await $0.connect(unixDomainSocketPath: path).get() }
    }

    private static func open(_ connect: (ClientBootstrap) async throws -> any Channel) async throws -> Wire {
        let (items, continuation) = AsyncStream.makeStream(of: Item.self)
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Reader(continuation)) }
        }
        let channel = try await connect(bootstrap)
        let reader = try await channel.eventLoop.submit {
            NIOLoopBound(try channel.pipeline.syncOperations.handler(type: Reader.self), eventLoop: channel.eventLoop)
        }.get()
        return Wire(channel: channel, items: items, reader: reader)
    }

    /// Asks for a WebSocket; the server's first word is not read yet.
    static func webSocket(port: Int, target: String = "/", headers: String = "") async throws -> Wire {
        let wire = try await connect(port: port)
        try await wire.send(raw: upgrade(target, headers))
        return wire
    }

    static func upgrade(_ target: String = "/", _ headers: String = "") -> [UInt8] {
        let host = headers.contains("Host:") ? "" : "Host: 127.0.0.1\r\n"
        return Array(
            ("GET \(target) HTTP/1.1\r\n\(host)Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\(headers)\r\n").utf8)
    }

    // MARK: Speaking

    func send(raw bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    func send(_ text: String) async throws { try await send(raw: Self.frame(0x81, Array(text.utf8))) }

    /// A frame; the mask is zero, so that the bytes are seen.
    static func frame(_ first: UInt8, _ payload: [UInt8], length: Int? = nil, isMasked: Bool = true) -> [UInt8] {
        let count = length ?? payload.count
        let mask: UInt8 = isMasked ? 0x80 : 0
        var bytes = [first]
        if count < 126 {
            bytes.append(mask | UInt8(count))
        } else if count < 65_536 {
            bytes += [mask | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        } else {
            bytes += [mask | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
        }
        return bytes + (isMasked ? [0, 0, 0, 0] : []) + payload
    }

    /// Where the connection is gone already there is nobody to answer.
    func answerClose() async { try? await send(raw: Self.frame(0x88, [0x03, 0xE8])) }

    func drop() { channel.close(promise: nil) }

    func reads(_ isReading: Bool) async throws { try await channel.setOption(.autoRead, value: isReading).get() }

    // MARK: Hearing

    func next() async -> Item? {
        var iterator = items.makeAsyncIterator()
        return await iterator.next()
    }

    /// The next text message; nil where something else comes.
    func json() async -> JSONValue? {
        guard case .frame(0x1, let bytes) = await next() else { return nil }
        return try? JSONValue.parse(bytes)
    }

    /// The next text message that is no tick.
    func answer(to id: String) async -> JSONValue? {
        while let json = await json() {
            if json["type"]?.string == "res", json["id"]?.string == id { return json }
        }
        return nil
    }

    /// Reads on to the close frame; nil where the connection ends without one.
    func close() async -> Close? {
        while let item = await next() {
            guard case .frame(0x8, let bytes) = item, bytes.count >= 2 else { continue }
            return Close(
                code: UInt16(bytes[0]) << 8 | UInt16(bytes[1]), reason: String(decoding: bytes.dropFirst(2), as: UTF8.self))
        }
        return nil
    }

    /// Reads to the end; what still came, frames as well as HTTP.
    func rest() async -> [Item] {
        var all: [Item] = []
        while let item = await next() { all.append(item) }
        return all
    }

    /// Returns when these words have come in an answer that is no WebSocket's, or the connection has ended.
    func waitUntilHeard(_ words: String) async {
        try? await channel.eventLoop.flatSubmit { [reader, loop = channel.eventLoop] in
            let heard = loop.makePromise(of: Void.self)
            reader.value.waiters.append((words, heard))
            reader.value.tell()
            return heard.futureResult
        }.get()
    }

    /// All of an answer that is no WebSocket's.
    func http() async -> String {
        for item in await rest() { if case .http(let text) = item { return text } }
        return ""
    }

    /// Reads the challenge and connects.
    ///
    /// - Returns: the answer.
    func hello(_ extra: String = #","auth":{"token":"sesame"}"#) async throws -> JSONValue? {
        _ = await json()
        try await send(Self.connect(extra))
        return await answer(to: "c")
    }

    static func connect(_ extra: String = "", oldest: Int = 3, newest: Int = 4) -> String {
        #"{"type":"req","id":"c","method":"connect","params":{"minProtocol":\#(oldest),"maxProtocol":\#(newest),"#
            + #""client":{"id":"cli","version":"1","platform":"linux","mode":"cli"}\#(extra)}}"#
    }

    func call(_ id: String, _ method: String, _ params: String = "{}") async throws {
        try await send(#"{"type":"req","id":"\#(id)","method":"\#(method)","params":\#(params)}"#)
    }
}

private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let items: AsyncStream<Wire.Item>.Continuation
    private var bytes: [UInt8] = []
    private var isWebSocket = false
    var waiters: [(words: String, heard: EventLoopPromise<Void>)] = []

    init(_ items: AsyncStream<Wire.Item>.Continuation) { self.items = items }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
        tell()
        if !isWebSocket, bytes.starts(with: Array("HTTP/1.1 101".utf8)), let end = headEnd() {
            isWebSocket = true
            bytes.removeFirst(end)
        }
        while isWebSocket, let (opcode, payload, count) = frame() {
            bytes.removeFirst(count)
            items.yield(.frame(opcode: opcode, payload))
        }
    }

    /// Tells who waits for words that have come.
    func tell() {
        guard !isWebSocket, !waiters.isEmpty else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        for (_, heard) in waiters.filter({ text.contains($0.words) }) { heard.succeed() }
        waiters.removeAll { text.contains($0.words) }
    }

    private func headEnd() -> Int? {
        bytes.indices.dropLast(3).first { Array(bytes[$0..<$0 + 4]) == [13, 10, 13, 10] }.map { $0 + 4 }
    }

    private func frame() -> (UInt8, [UInt8], Int)? {
        guard bytes.count >= 2 else { return nil }
        let short = Int(bytes[1])
        let wide = short == 126 ? 2 : short == 127 ? 8 : 0
        guard bytes.count >= 2 + wide else { return nil }
        let length = wide == 0 ? short : bytes[2..<2 + wide].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 2 + wide + length else { return nil }
        return (bytes[0] & 0x0F, Array(bytes[2 + wide..<2 + wide + length]), 2 + wide + length)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isWebSocket { items.yield(.http(String(decoding: bytes, as: UTF8.self))) }
        items.finish()
        for (_, heard) in waiters { heard.succeed() }
        waiters = []
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
