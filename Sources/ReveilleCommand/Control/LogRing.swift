import Logging
import Synchronization
import WakeCore
import WakeService

/// The latest log lines, for whoever asks over a control socket: no file is read for that, and none is needed.
final class LogRing: Sendable {
    /// How many lines are kept, and how long each may be.
    static let maximumLines = 2_000
    static let lineMaximumCharacters = 4_000

    private struct Book {
        var lines: [String] = []
        /// The number of the first line that is kept; grows from 0.
        var first = 0
    }

    private let book = Mutex(Book())

    /// Some of the lines, and where to go on.
    struct Tail {
        var lines: [String]
        /// Where the next question begins.
        var cursor: Int
        /// How many lines there were in all.
        var size: Int
        /// Whether lines after the asked cursor are gone.
        var isReset: Bool
        /// Whether there are more than were given.
        var isTruncated: Bool
    }

    func append(_ line: String) {
        book.withLock { book in
            book.lines.append(String(line.prefix(Self.lineMaximumCharacters)))
            // Not one by one: taking the first away moves all others.
            guard book.lines.count >= Self.maximumLines * 2 else { return }
            book.lines.removeFirst(Self.maximumLines)
            book.first += Self.maximumLines
        }
    }

    /// Lines from a cursor on, the latest ones without it.
    func tail(from cursor: Int?, limit: Int, maximumBytes: Int) -> Tail {
        book.withLock { book in
            let end = book.first + book.lines.count
            let wanted = cursor.map { min($0, end) } ?? max(book.first, end - limit)
            let begin = max(wanted, book.first)
            var (lines, bytes) = ([String](), 0)
            for line in book.lines[(begin - book.first)...] {
                bytes += line.utf8.count + 1
                guard lines.count < limit, bytes <= maximumBytes || lines.isEmpty else { break }
                lines.append(line)
            }
            return Tail(
                lines: lines, cursor: begin + lines.count, size: end, isReset: begin > wanted || (cursor ?? 0) > end,
                isTruncated: begin + lines.count < end)
        }
    }

    /// A handler that writes into it.
    struct Handler: LogHandler {
        let ring: LogRing
        let label: String
        let shared: SharedLogLevel
        var metadata: Logger.Metadata = [:]
        private var own: Logger.Level?

        init(_ ring: LogRing, label: String, level: SharedLogLevel) {
            self.ring = ring
            self.label = label
            shared = level
        }

        var logLevel: Logger.Level {
            get { own ?? shared.level }
            set { own = newValue }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            ring.append(LineLogHandler.json(label, event, all))
        }
    }
}
