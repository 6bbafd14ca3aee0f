import Foundation
import Synchronization
import WakeCore

/// One line that a program wrote, and its JSON where it is some.
struct Line: Sendable, CustomStringConvertible {
    let text: String
    let json: JSONValue?

    init(_ text: String) {
        self.text = text
        json = text.hasPrefix("{") ? try? JSONValue.parse(Array(text.utf8)) : nil
    }

    subscript(key: String) -> String? { json?[key]?.string }
    var description: String { text }
}

/// The lines of one stream, and those who wait for more of them.
final class Lines: Sendable {
    private struct Book {
        var lines: [Line] = []
        var rest: [UInt8] = []
        var isEnded = false
        var readers: [AsyncStream<Line>.Continuation] = []
    }

    private let book = Mutex(Book())

    var all: [Line] { book.withLock { $0.lines } }

    /// Reads the stream to its end on a thread of its own.
    func read(_ handle: FileHandle) {
        let thread = Thread { [self] in
            while true {
                let data = handle.availableData
                if data.isEmpty { break }
                take(data)
            }
            try? handle.close()
            end()
        }
        thread.start()
    }

    private func take(_ data: Data) {
        book.withLock { book in
            book.rest += data
            while let end = book.rest.firstIndex(of: 0x0A) {
                let line = Line(String(decoding: book.rest[..<end], as: UTF8.self))
                book.rest.removeFirst(end + 1)
                book.lines.append(line)
                for reader in book.readers { reader.yield(line) }
            }
        }
    }

    private func end() {
        book.withLock { book in
            if !book.rest.isEmpty { book.lines.append(Line(String(decoding: book.rest, as: UTF8.self))) }
            book.isEnded = true
            for reader in book.readers { reader.finish() }
        }
    }

    /// Every line, past ones first; ends with the stream.
    func stream() -> AsyncStream<Line> {
        let (stream, continuation) = AsyncStream.makeStream(of: Line.self)
        book.withLock { book in
            for line in book.lines { continuation.yield(line) }
            if book.isEnded { continuation.finish() } else { book.readers.append(continuation) }
        }
        return stream
    }

    /// The whole text, once the stream has ended.
    func text() async -> String {
        for await _ in stream() {}
        return all.map(\.text).joined(separator: "\n")
    }
}

/// A process of the real program.
final class Program: Sendable {
    /// How a process ended.
    struct End: Sendable, Equatable {
        let code: Int32
        let bySignal: Bool

        static let clean = End(code: 0, bySignal: false)
        static let killed = End(code: SIGKILL, bySignal: true)
        static func exit(_ code: Int32) -> End { End(code: code, bySignal: false) }
    }

    let out = Lines()
    let errors = Lines()
    let pid: Int32
    private let input: FileHandle
    private let endings: AsyncStream<End>
    private let process: Mutex<Process>

    private static let spawning = Mutex(())

    /// The program that was built beside the tests.
    static let path: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: own).deletingLastPathComponent().appending(path: "reveille").path
    }()

    init(
        _ executable: String = Program.path, _ arguments: [String], environment: [String: String], directory: String
    ) throws {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = URL(filePath: directory)
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        let (endings, continuation) = AsyncStream.makeStream(of: End.self)
        process.terminationHandler = {
            continuation.yield(End(code: $0.terminationStatus, bySignal: $0.terminationReason == .uncaughtSignal))
            continuation.finish()
        }
        // Foundation changes the working directory of the whole process for the time of a spawn: one at a time.
        try Self.spawning.withLock { _ in try process.run() }
        self.input = input.fileHandleForWriting
        self.endings = endings
        pid = process.processIdentifier
        self.process = Mutex(process)
        out.read(output.fileHandleForReading)
        self.errors.read(errors.fileHandleForReading)
    }

    /// Writes its standard input and closes it.
    func feed(_ bytes: [UInt8] = []) {
        if !bytes.isEmpty { try? input.write(contentsOf: Data(bytes)) }
        try? input.close()
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for its end.
    func ended() async throws -> End {
        try await within("process \(pid) to end", { self.errors.all.suffix(20).map(\.text).joined(separator: "\n") }) {
            for await end in self.endings { return end }
            return nil
        }
    }

    /// Waits until its log holds a line that passes.
    @discardableResult
    func saw(_ event: String, where passes: @escaping @Sendable (Line) -> Bool = { _ in true }) async throws -> Line {
        try await within("the log line '\(event)'", { self.errors.all.suffix(30).map(\.text).joined(separator: "\n") }) {
            for await line in self.errors.stream() where line["event"] == event && passes(line) { return line }
            return nil
        }
    }
}

/// What did not come.
struct Missed: Error, CustomStringConvertible {
    let description: String
}

/// Waits for a fact; where it does not come at all, the test ends with what was seen instead of hanging.
func within<Value: Sendable>(
    _ what: String, seconds: Int = 60, _ seen: @escaping @Sendable () -> String = { "" },
    _ wait: @escaping @Sendable () async throws -> Value?
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await wait() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            return nil
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() ?? nil else {
            throw Missed(description: "waited in vain for \(what); seen:\n\(seen())")
        }
        return value
    }
}

/// Lets a moment pass, to kill at: no fact is waited for, any moment will do.
func someMoment(milliseconds: Int) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }
