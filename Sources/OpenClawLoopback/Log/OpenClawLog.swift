import Foundation
import Synchronization

/// Something that happened at the stand-in.
public struct OpenClawEvent: Sendable {
    /// What happened. See ``OpenClawLog``.
    public let name: String
    /// Its place in the log, from 1, without gaps.
    public let number: Int
    /// The JSON line, without its newline.
    public let line: String
    let fields: JSON

    /// A field as text: strings as they are, everything else as JSON; `nil` if the event has no such field.
    public subscript(field: String) -> String? {
        guard let value = fields[field], value != .null else { return nil }
        return value.string ?? value.text
    }
}

/// The record of everything that happened, one JSON line per event. Each has `n` (its place), `t` (Unix milliseconds), `event` and
/// `life` (the number of the life it happened in).
///
/// | event | fields |
/// | --- | --- |
/// | `listening` | `port`, at the start of each life; the first line of all |
/// | `life` | `life`, a life begins |
/// | `life_end` | `cause` (`restart`, `killed` or `stopped`), `reason` |
/// | `discord_ready` | |
/// | `connect`, `disconnect` | `conn` |
/// | `hello` | `conn`, `client`, `scopes` |
/// | `refused` | `conn`, `code`, `message`: a `connect` that failed |
/// | `call` | `conn`, `method`, `id` |
/// | `restart_scheduled` | `reason`, `delay_ms`, `coalesced` |
/// | `config_written` | `hash`, `changed` |
/// | `sentinel_written` | `sentinel`, the payload |
/// | `sentinel_consumed` | `sentinel`, and `outcome`, what is made of it: `send`, `system-event` or `damaged` in March 2026, `owed` or `silent` in the newest |
/// | `send_posted` | `source` (`send`, `ping`, `notice` or `agent`), `to`, `text`, `message_id` |
/// | `send_lost` | `source`, `to`, `text`, `why`; attempts of a notice also have `attempt` |
/// | `turn` | `session`, `run`, `text`, `source` (`agent`, `chat`, `wake` or `test`) |
/// | `turn_end` | `session`, `run`, `outcome` (`done` or `cut-off`) |
/// | `system_event` | `session`, `text` |
/// | `fault` | `fault`, as it happens |
/// | `stop` | the last line |
public final class OpenClawLog: Sendable {
    private struct Book {
        var life = 0
        var kept: [OpenClawEvent] = []
        var readers: [Int: AsyncStream<OpenClawEvent>.Continuation] = [:]
        var nextReader = 0
    }

    private let writesOut: Bool
    private let book = Mutex(Book())

    init(writesOut: Bool) { self.writesOut = writesOut }

    /// From now on events belong to this life.
    func enter(life: Int) { book.withLock { $0.life = life } }

    func record(_ name: String, _ fields: [String: JSON] = [:]) {
        book.withLock { book in
            var line: JSON = [
                "n": JSON(book.kept.count + 1), "t": JSON(Int(Date().timeIntervalSince1970 * 1_000)), "event": .string(name),
                "life": JSON(book.life),
            ]
            for (key, value) in fields { line[key] = value }
            let event = OpenClawEvent(name: name, number: book.kept.count + 1, line: line.text, fields: line)
            book.kept.append(event)
            // The stand-in goes on where nobody reads any more.
            if writesOut { try? FileHandle.standardOutput.write(contentsOf: Data((event.line + "\n").utf8)) }
            for reader in book.readers.values { reader.yield(event) }
        }
    }

    /// All events, oldest first.
    public var events: [OpenClawEvent] { book.withLock { $0.kept } }

    /// All events, those of the past first, as they happen.
    public func stream() -> AsyncStream<OpenClawEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: OpenClawEvent.self)
        let id = book.withLock { book in
            for event in book.kept { continuation.yield(event) }
            book.nextReader += 1
            book.readers[book.nextReader] = continuation
            return book.nextReader
        }
        continuation.onTermination = { [weak self] _ in self?.book.withLock { _ = $0.readers.removeValue(forKey: id) } }
        return stream
    }

    /// Waits for the first event, past ones included, with this name that passes the test.
    ///
    /// - Parameters:
    ///   - name: the event's name.
    ///   - number: only events after that place in the log count.
    ///   - passes: what else must hold.
    /// - Returns: the event; `nil` when the task was cancelled first.
    public func first(
        _ name: String, after number: Int = 0, where passes: @Sendable (OpenClawEvent) -> Bool = { _ in true }
    ) async -> OpenClawEvent? {
        for await event in stream() where event.number > number && event.name == name && passes(event) { return event }
        return nil
    }
}
