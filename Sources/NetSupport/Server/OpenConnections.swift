import NIOCore
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
        var open: [ObjectIdentifier: (number: UInt64, channel: any Channel)] = [:]
    }

    private let limit: Int
    private let book = Mutex(Book())

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes a channel in; false when the limit is reached.
    func add(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let taken = book.withLock { book in
            guard book.open.count < limit else { return false }
            book.open[key] = (book.next, channel)
            book.next += 1
            return true
        }
        if taken {
            channel.closeFuture.whenComplete { [weak self] _ in
                self?.book.withLock { _ = $0.open.removeValue(forKey: key) }
            }
        }
        return taken
    }

    func number(of channel: any Channel) -> UInt64 {
        book.withLock { $0.open[ObjectIdentifier(channel)]?.number ?? 0 }
    }

    func closeAll(reset: Bool) {
        for (_, channel) in book.withLock({ Array($0.open.values) }) {
            channel.end(reset: reset)
        }
    }
}

extension Channel {
    /// Closes the channel; with `reset`, unsent data is thrown away and the peer sees RST instead of FIN.
    func end(reset: Bool) {
        guard reset, let options = self as? any SocketOptionProvider else {
            close(promise: nil)
            return
        }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in self.close(promise: nil) }
    }
}
