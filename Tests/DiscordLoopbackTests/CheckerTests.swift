import Foundation
import Testing

@testable import DiscordLoopback

@Suite("History checker") struct CheckerTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Support/history_checker.py").path

    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-B", Self.script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    private var hasPython: Bool { (try? run(["--help"]))?.status == 0 }

    @Test("its own good and bad histories are judged as they should be")
    func selfTest() throws {
        guard hasPython || ProcessInfo.processInfo.environment["CI"] != nil else { try Test.cancel("no python3 here") }
        let result = try run(["--self-test"])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test("it reads what the loopback writes: a good run passes, the same run without its READY does not")
    func realLog() async throws {
        guard hasPython || ProcessInfo.processInfo.environment["CI"] != nil else { try Test.cancel("no python3 here") }
        let folder = FileManager.default.temporaryDirectory.appending(path: "loopback-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = folder.appending(path: "log.jsonl").path
        let requests = folder.appending(path: "requests.jsonl").path
        let asked: JSON = [
            "kind": "request", "id": "r1", "t": .int(LoopbackTime.live.wallMilliseconds()),
            "channel": JSON(id: Rig.channel), "note": "config patched", "acknowledged": true,
        ]
        try (asked.text + "\n").write(toFile: requests, atomically: true, encoding: .utf8)
        try await withLoopback({ $0.log = .file(log) }) { rig async throws in
            try await GatewayClient.connect(rig) { client async throws in
                _ = try await client.login()
                try await rig.post(["content": "config patched\n-# wake 0123456789abcdefghijkl"])
            }
        }
        let good = try run([requests, log])
        #expect(good.status == 0, "\(good.output)")
        let written = try String(contentsOfFile: log, encoding: .utf8)
        let unready = written.split(separator: "\n").filter { !$0.contains("\"event\":\"ready\"") }
        try (unready.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8)
        let bad = try run([requests, log])
        #expect(bad.status == 1 && bad.output.contains("too-early"), "\(bad.output)")
    }
}
