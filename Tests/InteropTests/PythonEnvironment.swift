import Foundation
import Testing

/// A virtual environment with the pinned client libraries, made once below `.build`.
actor PythonEnvironment {
    static let shared = PythonEnvironment()
    static let clients = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients")
    static let pinned = ["discord.py==2.7.1", "hikari==2.7.0"]

    private var made: Task<Result<String, Missing>, Never>?

    struct Missing: Error, CustomStringConvertible {
        let why: String
        var description: String { "The client libraries can't be had: \(why)" }
    }

    /// The interpreter. Without one the test is skipped and says why, or fails where `CI` is set.
    func interpreter() async throws -> String {
        let task = made ?? Task { await Self.make() }
        made = task
        switch await task.value {
        case .success(let path): return path
        case .failure(let missing):
            guard ProcessInfo.processInfo.environment["CI"] == nil else { throw missing }
            print("InteropTests skipped: \(missing.why)")
            try Test.cancel("\(missing.why)")
        }
    }

    private static func make() async -> Result<String, Missing> {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/interop-venv")
        let python = root.appending(path: "bin/python").path
        let stamp = root.appending(path: "pinned.txt")
        let wanted = pinned.joined(separator: "\n")
        if (try? String(contentsOf: stamp, encoding: .utf8)) == wanted { return .success(python) }
        if let why = run("python3", ["-m", "venv", "--clear", root.path]) {
            return .failure(Missing(why: "python3 -m venv failed: \(why)"))
        }
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + pinned
        if let why = run(python, install) { return .failure(Missing(why: "pip install failed: \(why)")) }
        do { try wanted.write(to: stamp, atomically: true, encoding: .utf8) } catch {
            return .failure(Missing(why: "\(stamp.path): \(error)"))
        }
        return .success(python)
    }

    /// Runs a command to its end; returns what went wrong, if anything did.
    private static func run(_ command: String, _ arguments: [String]) -> String? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [command] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        do { try process.run() } catch { return "\(error)" }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? nil : String(text.suffix(400))
    }
}
