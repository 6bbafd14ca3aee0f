import DequeModule
import OrderedCollections
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One event of the loopback.
public struct LoopbackEvent: Sendable {
    /// Its place in the log, from 1, without gaps.
    public let number: UInt64
    /// What happened: `connect`, `hello`, `identify`, `ready`, `resume`, `resumed`, `heartbeat`, `dispatch`, `close`,
    /// `request`, `response`, `message_created`, `message_deduplicated`, `rate_limited`, `fault` and a few more.
    public let name: String
    /// The JSON line, without its newline.
    public let line: String
    let fields: JSON

    /// A field as text: strings as they are, everything else as JSON; `nil` if the event has no such field.
    public subscript(field: String) -> String? {
        guard let value = fields[key: field], !value.isNull else { return nil }
        return value.string ?? value.text
    }
}

/// The record of everything that happened: one JSON line per event, written before anyone can see its effect.
///
/// Each line has `n` (place in the log), `t` (Unix milliseconds), `mono` (nanoseconds, monotonic) and `event`.
/// An independent checker judges by it, so a line is flushed with one `write` as soon as it is complete.
public final class LoopbackLog: Sendable {
    private struct Book {
        var descriptor: Int32?
        var ownsDescriptor = false
        var next: UInt64 = 1
        var kept = Deque<LoopbackEvent>()
        var readers: [UInt64: AsyncStream<LoopbackEvent>.Continuation] = [:]
        var nextReader: UInt64 = 0
    }

    private let time: LoopbackTime
    private let book: Mutex<Book>

    init(output: LoopbackOptions.LogOutput, time: LoopbackTime) throws(LoopbackError) {
        var book = Book()
        switch output {
        case .memory: break
        case .standardOutput: book.descriptor = STDOUT_FILENO
        case .file(let path):
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                throw LoopbackError(
                    .file, "The event log \(path) can't be opened: \(String(cString: strerror(errno)))",
                    hint: "Name a file in a directory that exists and that you may write to.")
            }
            book.descriptor = descriptor
            book.ownsDescriptor = true
        }
        self.time = time
        self.book = Mutex(book)
    }

    deinit {
        book.withLock { if $0.ownsDescriptor, let descriptor = $0.descriptor { close(descriptor) } }
    }

    func record(_ name: String, _ fields: JSON = [:]) {
        book.withLock { book in
            var line: JSON = [
                "n": JSON(book.next), "t": .int(time.wallMilliseconds()), "mono": JSON(time.monotonicNanoseconds()),
                "event": .string(name),
            ]
            for (key, value) in fields.object ?? [:] { line[key: key] = value }
            let event = LoopbackEvent(number: book.next, name: name, line: line.text, fields: line)
            book.next += 1
            book.kept.append(event)
            if book.kept.count > LoopbackLimits.logLinesKept { book.kept.removeFirst() }
            if let descriptor = book.descriptor { Self.write(event.line + "\n", to: descriptor) }
            for reader in book.readers.values { reader.yield(event) }
        }
    }

    private static func write(_ line: String, to descriptor: Int32) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = unistdWrite(descriptor, rest.baseAddress, rest.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }

    /// The events kept in memory (the latest 20,000), oldest first.
    public var events: [LoopbackEvent] { book.withLock { Array($0.kept) } }

    /// Every event from now on, after those kept if `fromStart`.
    public func stream(fromStart: Bool = true) -> AsyncStream<LoopbackEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: LoopbackEvent.self)
        let id = book.withLock { book in
            if fromStart { for event in book.kept { continuation.yield(event) } }
            book.nextReader += 1
            book.readers[book.nextReader] = continuation
            return book.nextReader
        }
        continuation.onTermination = { [weak self] _ in
            self?.book.withLock { _ = $0.readers.removeValue(forKey: id) }
        }
        return stream
    }

    /// Waits for the first event, past ones included, with this name that passes the test.
    ///
    /// - Returns: the event; `nil` when the task was cancelled first.
    public func first(
        _ name: String, after number: UInt64 = 0, where passes: @Sendable (LoopbackEvent) -> Bool = { _ in true }
    ) async -> LoopbackEvent? {
        for await event in stream() where event.number > number && event.name == name && passes(event) {
            return event
        }
        return nil
    }
}

/// The system call; inside the class its name would mean the method.
private func unistdWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
