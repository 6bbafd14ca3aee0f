import Foundation
import Synchronization
import WakeCore

/// What a program printed and how it ended.
struct Reply: Sendable, CustomStringConvertible {
    let code: Int32
    let out: String
    let errors: String

    var json: JSONValue? { try? JSONValue.parse(Array(out.utf8)) }
    /// The printed text without its last newline.
    var text: String { out.trimmingCharacters(in: .newlines) }
    var description: String { "exit status \(code)\n\(out)\n\(errors)" }
}

/// What did not come, or failed.
struct Missed: Error, CustomStringConvertible {
    let description: String
}

/// A program that runs beside the test.
final class Tool: Sendable {
    private let process: Mutex<Process>
    private let input: FileHandle
    private let endings: AsyncStream<Reply>

    private static let spawning = Mutex(())

    init(_ executable: String, _ arguments: [String], input text: String? = nil) throws {
        let process = Process()
        // Threads of the runtime block signals, and programs inherit that.
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["--default-signal", executable] + arguments
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        let (endings, continuation) = AsyncStream.makeStream(of: Reply.self)
        let (ended, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationReason == .exit ? $0.terminationStatus : -$0.terminationStatus)
            end.finish()
        }
        try Self.spawning.withLock { _ in try process.run() }
        self.process = Mutex(process)
        self.input = input.fileHandleForWriting
        self.endings = endings
        if let text {
            try? self.input.write(contentsOf: Data(text.utf8))
            try? self.input.close()
        }
        let texts = [output, errors].map { Self.read($0.fileHandleForReading) }
        Task {
            let (out, errors) = (await texts[0].value, await texts[1].value)
            for await code in ended { continuation.yield(Reply(code: code, out: out, errors: errors)) }
            continuation.finish()
        }
    }

    /// Reads a stream to its end on a thread of its own.
    private static func read(_ handle: FileHandle) -> Task<String, Never> {
        let (chunks, continuation) = AsyncStream.makeStream(of: String.self)
        Thread {
            let data = (try? handle.readToEnd()) ?? Data()
            try? handle.close()
            continuation.yield(String(decoding: data, as: UTF8.self))
            continuation.finish()
        }.start()
        return Task {
            for await chunk in chunks { return chunk }
            return ""
        }
    }

    /// Waits for its end.
    func ended() async throws -> Reply {
        for await reply in endings { return reply }
        throw Missed(description: "cancelled")
    }

    /// Closes its standard input.
    func closeInput() { try? input.close() }

    func terminate() { process.withLock { $0.terminate() } }

    /// Runs a program to its end.
    static func run(_ executable: String, _ arguments: [String], input: String = "") async throws -> Reply {
        try await Tool(executable, arguments, input: input).ended()
    }
}

/// Waits for a fact; where it does not come at all, the test ends with what was seen instead of hanging.
func within<Value: Sendable>(
    _ what: String, seconds: Int = 60, _ seen: @escaping @Sendable () async -> String = { "" },
    _ wait: @escaping @Sendable () async throws -> Value?
) async throws -> Value {
    let value = try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await wait() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
    guard let value else { throw Missed(description: "waited in vain for \(what); seen:\n\(await seen())") }
    return value
}
