import NIOCore
import NIOHTTP1
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The connections that a server holds open, numbered, so that it can end them.
final class OpenConnections: Sendable {
    private struct Book {
        var next: UInt64 = 1
        var open: [ObjectIdentifier: any Channel] = [:]
        /// Those that have been answered, and have asked nothing since.
        var idle: [UInt64: any Channel] = [:]
        var isDraining = false
    }

    private let limit: Int
    private let book = Mutex(Book())

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes a channel in and numbers it; `nil` when the limit is reached.
    func add(_ channel: any Channel) -> UInt64? {
        let key = ObjectIdentifier(channel)
        let number: UInt64? = book.withLock { book in
            guard book.open.count < limit else { return nil }
            defer { book.next += 1 }
            book.open[key] = channel
            return book.next
        }
        guard let number else { return nil }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.book.withLock { book in
                book.open[key] = nil
                book.idle[number] = nil
            }
        }
        return number
    }

    /// A connection asked for something, or was answered.
    ///
    /// - Returns: whether it is to end now.
    func setIdle(_ channel: (any Channel)?, _ number: UInt64) -> Bool {
        book.withLock { book in
            book.idle[number] = channel
            return book.isDraining
        }
    }

    /// Ends those that ask for nothing; the others end with their next answer.
    func drain() {
        let idle = book.withLock { book in
            book.isDraining = true
            defer { book.idle = [:] }
            return Array(book.idle.values)
        }
        for channel in idle { channel.close(promise: nil) }
    }

    var isDraining: Bool { book.withLock { $0.isDraining } }

    /// Ends all; who is not answered yet, or has sent half a request, is told to come again.
    func sendAway() {
        for channel in book.withLock({ Array($0.open.values) }) {
            channel.eventLoop.execute { channel.sendAway("503 Service Unavailable\r\nRetry-After: 1") }
        }
    }

    func closeAll(reset: Bool) {
        for channel in book.withLock({ Array($0.open.values) }) {
            channel.end(reset: reset)
        }
    }
}

extension Channel {
    /// Answers with that status and headers, where HTTP is spoken, and closes. On the event loop.
    func sendAway(_ status: String) {
        // The encoder's own context: what is written there goes out as it is, whatever state HTTP is in.
        if let context = try? pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self) {
            let answer = "HTTP/1.1 \(status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            context.writeAndFlush(NIOAny(allocator.buffer(string: answer)), promise: nil)
        }
        close(promise: nil)
    }

    /// Closes the channel; with `reset`, unsent data is thrown away and the peer sees RST instead of FIN.
    func end(reset: Bool) {
        guard reset, let options = self as? any SocketOptionProvider else {
            close(promise: nil)
            return
        }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in self.close(promise: nil) }
    }
}
