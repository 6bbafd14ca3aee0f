import Foundation
import Testing

@testable import ReveilleCommand

@Suite("Two installs of one place are kept apart", .timeLimit(.minutes(1)))
struct InstallerLockTests {
    private let folder = FileManager.default.temporaryDirectory.appending(
        path: "reveille-lock-\(UInt64.random(in: .min ... .max))"
    )
    .path
    private var path: String { folder + "/state/manifest.json.lock" }

    @Test("while another process has the lock, the second waits; when it has waited enough it names the other")
    func twoProcesses() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
        let other = Process()
        other.executableURL = URL(filePath: "/usr/bin/env")
        // It writes its number as an install does, says so, and holds the lock until its input ends.
        other.arguments = ["flock", path, "sh", "-c", "echo $$ >\"$0\"; echo held; cat >/dev/null", path]
        let (input, output) = (Pipe(), Pipe())
        other.standardInput = input
        other.standardOutput = output
        try other.run()
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "held\n")
        let number = try String(contentsOfFile: path, encoding: .utf8).filter(\.isNumber)
        let complaint = await #expect(throws: Complaint.self) { try await InstallerLock.take(path, patience: .zero) }
        #expect(complaint?.text.contains("process \(number)") == true && complaint?.text.contains("Try: ") == true)
        async let second = InstallerLock.take(path, patience: .seconds(50))
        try input.fileHandleForWriting.close()
        let lock = try await second
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "\(getpid())\n")
        // An uninstall takes the file away: whoever comes then has a new one.
        lock.remove()
        try await InstallerLock.take(path, patience: .zero).remove()
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
