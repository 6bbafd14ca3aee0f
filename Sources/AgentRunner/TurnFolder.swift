import CLinux
import Foundation
import Glibc
import WakeCore

/// What is kept of one turn: its order before it starts, its process while it runs, its result and its output.
///
/// Everything is written whole, synced and renamed, so that whoever reads it after a crash reads all of it or nothing.
struct TurnFolder: Hashable, Sendable {
    /// What is run.
    struct Order: Hashable, Sendable, Codable {
        var arguments: [String]
        var directory: String
        var environment: [String: String]
        var readsInput: Bool
        var timeLimitSeconds: Int64
        var outputBytes: Int
    }

    /// How it ended.
    struct Result: Hashable, Sendable, Codable {
        /// The exit code.
        var code: Int32?
        /// The signal that ended it.
        var signal: Int32?
        /// The time limit ended it.
        var isOverTime: Bool?
        /// It was taken back.
        var isCancelled: Bool?
        /// It was told to end, and nobody took it back: its unit, its user's session or the machine was stopped.
        var isStopped: Bool?
        /// It could not be started; why.
        var notStarted: String?
        /// When, in milliseconds since 1970.
        var at: Int64

        var end: Turn.End {
            if let notStarted { return .failed(reason: notStarted) }
            if isCancelled == true { return .cancelled }
            if isOverTime == true { return .failed(reason: "it was ended by its time limit") }
            if isStopped == true, code != 0, code != 75 {
                return .lost(reason: "it was stopped from outside, with its unit or with the machine")
            }
            if let signal {
                let hint = signal == SIGKILL ? ": killed, perhaps for want of memory" : ""
                return .failed(reason: "it was ended by signal \(signal)\(hint)")
            }
            switch code {
            case 0: return .done
            case 75: return .tryLater
            default: return .failed(reason: "exit code \(code ?? -1)")
            }
        }
    }

    /// The process that runs it.
    struct Process: Hashable, Sendable, Codable {
        var pid: Int32
        /// When it started, as /proc/PID/stat tells: another process of that number started later.
        var start: UInt64
        /// In which boot: start times count from there.
        var boot: String

        /// Our own.
        static func current() -> Process { ofThisBoot(getpid()) }

        /// One that runs.
        static func ofThisBoot(_ pid: Int32) -> Process { Process(pid: pid, start: startTime(of: pid) ?? 0, boot: currentBoot()) }

        var isAlive: Bool { boot == Self.currentBoot() && Self.startTime(of: pid) == start }

        /// The daemon's sandbox hides the kernel's own file: there its unit tells it.
        static func currentBoot(given: String? = getenv("REVEILLE_BOOT_ID").map { String(cString: $0) }) -> String {
            let given = given ?? ""
            let text = given.isEmpty ? try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8) : given
            return BootID(text ?? "").description
        }

        /// Field 22 of proc(5); nil where there is no such process, or it has ended and only waits to be counted.
        static func startTime(of pid: Int32) -> UInt64? {
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let rest = text.lastIndex(of: ")").map({ text[text.index(after: $0)...] })
            else { return nil }
            let fields = rest.split(separator: " ")
            guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
            return UInt64(fields[19])
        }
    }

    let path: String
    var input: String { path + "/input" }
    var output: String { path + "/output" }

    var order: Order? { read("order.json") }
    var process: Process? { read("process.json") }
    /// What that process runs: the leader of a process group.
    var command: Process? { read("command.json") }
    var result: Result? { read("result.json") }

    var exists: Bool { access(path, F_OK) == 0 }
    /// Whose it is: `taken` by a process that runs it, `revoked` by a search that found nobody; nil: nobody's yet.
    var claim: String? { FileManager.default.contents(atPath: path + "/claim").map { String(decoding: $0, as: UTF8.self) } }

    /// Claims it, once: whoever is second does not get it. Where nothing can be written nobody gets it: ``claim`` stays nil.
    func claim(as word: String) -> Bool {
        // Linked into its place whole, so that nobody reads half a word.
        let fresh = "\(path)/.claim.\(getpid()).\(UInt32.random(in: .min ... .max))"
        defer { unlink(fresh) }
        guard FileManager.default.createFile(atPath: fresh, contents: Data(word.utf8)) else { return false }
        return link(fresh, path + "/claim") == 0
    }

    /// Gives the claim back, of a turn that has not begun.
    func unclaim() { unlink(path + "/claim") }

    /// Whether a person took it back.
    var isCancelled: Bool { access(path + "/cancelled", F_OK) == 0 }
    func markCancelled() { _ = FileManager.default.createFile(atPath: path + "/cancelled", contents: nil) }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// When something in it changed last, in milliseconds since 1970.
    var changedAt: Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_mtim.tv_sec) * 1_000 : nil
    }

    /// Makes the folder with everything in it that is to be run; durable when it returns.
    func make(_ order: Order, input text: String) throws(TurnFault) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw TurnFault("the folder '\(path)' can't be made", errno) }
        try store(Array(text.utf8), as: "input")
        try write(order, to: "order.json")
        let above = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try Self.sync(above)
    }

    func write(_ process: Process) throws(TurnFault) { try write(process, to: "process.json") }
    func write(command: Process) throws(TurnFault) { try write(command, to: "command.json") }
    func write(_ result: Result) throws(TurnFault) { try write(result, to: "result.json") }

    private func read<Value: Decodable>(_ name: String) -> Value? {
        guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else { return nil }
        return try? JSONDecoder().decode(Value.self, from: data)
    }

    private func write(_ value: some Encodable, to name: String) throws(TurnFault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { throw TurnFault("'\(name)' can't be written", EINVAL) }
        try store(Array(data), as: name)
    }

    private func store(_ bytes: [UInt8], as name: String) throws(TurnFault) {
        let (fresh, final) = ("\(path)/.\(name).\(UInt64.random(in: .min ... .max))", "\(path)/\(name)")
        let file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw TurnFault("'\(final)' can't be written", errno) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress?.advanced(by: written), $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                unlink(fresh)
                throw TurnFault("'\(final)' can't be written", code)
            }
            written += count
        }
        guard fsync(file) == 0, rename(fresh, final) == 0 else { throw TurnFault("'\(final)' can't be written", errno) }
        try Self.sync(path)
    }

    private static func sync(_ folder: String) throws(TurnFault) {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw TurnFault("'\(folder)' can't be opened", errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw TurnFault("'\(folder)' can't be made durable", errno) }
    }
}

/// Why something of a turn could not be done.
struct TurnFault: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ code: Int32) { description = "\(what): \(String(cString: strerror(code)))" }
}
