import DiscordLoopback
import Foundation
import Synchronization
import Testing

/// One line of a client's standard output.
struct Said {
    let fields: [String: Any]
    var event: String { fields["event"] as? String ?? "" }
    subscript(field: String) -> Any? { fields[field] }
    func strings(_ field: String) -> [String] { (fields[field] as? [Any] ?? []).map { "\($0)" } }
}

/// One run of a client script, and the loopback that it talks to.
final class ClientRun: Sendable {
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    let world: LoopbackWorld
    var log: LoopbackLog { world.log }
    private let process: Mutex<Process>
    private let lines: AsyncStream<String>
    private let heard = Mutex<[String]>([])
    private let errors: Mutex<String> = Mutex("")
    private let identifier: Int32

    init(python: String, arguments: [String], world: LoopbackWorld) throws {
        self.world = world
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"]) { $1 }
        let output = Pipe()
        let trouble = Pipe()
        process.standardOutput = output
        process.standardError = trouble
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        self.lines = lines
        try process.run()
        identifier = process.processIdentifier
        self.process = Mutex(process)
        Self.follow(output.fileHandleForReading, { continuation.yield($0) }, { continuation.finish() })
        Self.follow(trouble.fileHandleForReading, { [weak self] line in self?.errors.withLock { $0 += line + "\n" } }, {})
    }

    /// Reads a pipe line by line on a thread of its own.
    private static func follow(
        _ handle: FileHandle, _ line: @escaping @Sendable (String) -> Void, _ end: @escaping @Sendable () -> Void
    ) {
        Thread.detachNewThread {
            var rest = Data()
            while true {
                let bytes = handle.availableData
                if bytes.isEmpty { break }
                rest.append(bytes)
                while let newline = rest.firstIndex(of: 0x0A) {
                    line(String(decoding: rest[..<newline], as: UTF8.self))
                    rest = Data(rest[rest.index(after: newline)...])
                }
            }
            end()
        }
    }

    /// Reads on until the client says this; fails if it ends first.
    func wait(for event: String) async throws {
        for await line in lines {
            heard.withLock { $0.append(line) }
            if Self.parse(line)?.event == event { return }
        }
        throw Failed(description: "the client ended before \"\(event)\":\n\(everything)")
    }

    /// Reads to the end and returns all that the client said; fails if it did not say "done".
    func finish() async throws -> [Said] {
        for await line in lines { heard.withLock { $0.append(line) } }
        let said = heard.withLock { $0.compactMap(Self.parse) }
        guard said.last?.event == "done" else { throw Failed(description: "the client broke off:\n\(everything)") }
        return said
    }

    /// Ends the client if it still runs.
    func stop() {
        process.withLock { process in
            if process.isRunning { process.terminate() }
            process.waitUntilExit()
        }
    }

    private var everything: String {
        heard.withLock { $0.joined(separator: "\n") } + "\n" + errors.withLock(\.self)
            + log.events.suffix(30).map(\.line).joined(separator: "\n")
    }

    private static func parse(_ line: String) -> Said? {
        (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]).map(Said.init)
    }
}
