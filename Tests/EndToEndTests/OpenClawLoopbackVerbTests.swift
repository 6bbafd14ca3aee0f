import Foundation
import Testing
import WakeCore

@Suite("reveille openclaw-loopback", .timeLimit(.minutes(2)))
struct OpenClawLoopbackVerbTests {
    /// A folder with a token file, and what is started in it.
    private struct Folder {
        let path = FileManager.default.temporaryDirectory.appending(path: "claw-\(UUID().uuidString)").path

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data("secret\n".utf8).write(to: URL(filePath: path + "/token"))
            try Data("\n".utf8).write(to: URL(filePath: path + "/empty"))
        }

        func remove() { try? FileManager.default.removeItem(atPath: path) }

        func start(_ arguments: String...) throws -> Program {
            try Program(Program.path, ["openclaw-loopback"] + arguments, environment: [:], directory: path)
        }

        func standIn(_ arguments: String...) throws -> Program {
            try Program(
                Program.path, ["openclaw-loopback", "--state-dir", "claw", "--token-file", "token"] + arguments, environment: [:],
                directory: path)
        }
    }

    private func ends(_ program: Program, _ end: Program.End, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let seen = try await program.ended()
        #expect(seen == end, sourceLocation: sourceLocation)
    }

    private static func event(_ name: String, of program: Program) async throws -> Line {
        try await within("the event '\(name)'") {
            for await line in program.out.stream() where line["event"] == name { return line }
            return nil
        }
    }

    @Test("a local Discord whose port is taken says so, and ends")
    func takenPort() async throws {
        let folder = try Folder()
        defer { folder.remove() }
        let first = try Program(Program.path, ["discord-loopback"], environment: [:], directory: folder.path)
        let port = try await Self.event("listening", of: first).json?["port"]?.integer ?? 0
        let second = try Program(
            Program.path, ["discord-loopback", "--port", "\(port)"], environment: [:], directory: folder.path)
        try await ends(second, .exit(64))
        #expect(await second.errors.text().contains("\(port) on 127.0.0.1 is taken"))
        first.signal(SIGTERM)
        try await ends(first, .clean)
    }

    @Test("the first line has the port; after SIGKILL another process in the same directory lives the next life")
    func goesOn() async throws {
        let folder = try Folder()
        defer { folder.remove() }
        let first = try folder.standIn("--generation", "march2026")
        _ = try await Self.event("life", of: first)
        let line = try #require(first.out.all.first)
        #expect(line["event"] == "listening")
        #expect(line.json?["port"]?.integer ?? 0 > 0)
        first.signal(SIGKILL)
        try await ends(first, .killed)
        let second = try folder.standIn("--generation", "march2026")
        let life = try await Self.event("life", of: second)
        #expect(life.json?["life"]?.integer == 2)
        second.signal(SIGTERM)
        try await ends(second, .clean)
        #expect(second.out.all.last?["event"] == "stop")
    }

    @Test(
        "what is wrong is told, with what to give",
        arguments: [
            (["--generation", "april"], Int32(64), "march2026 or newest"), (["--fault", "gremlins"], 64, "split-frames"),
            (["--down-time", "soon"], 64, "--down-time"), (["--discord-api", "https://discord.com/api"], 64, "http://"),
            (["--discord-token-file", "empty"], 66, "--discord-token-file"), (["--state-dir", "token/claw"], 64, "token/claw"),
        ])
    func wrong(arguments: [String], code: Int32, words: String) async throws {
        let folder = try Folder()
        defer { folder.remove() }
        let program = try Program(
            Program.path,
            ["openclaw-loopback", "--token-file", "token"] + (arguments.contains("--state-dir") ? [] : ["--state-dir", "claw"])
                + arguments, environment: [:], directory: folder.path)
        try await ends(program, .exit(code))
        let text = await program.errors.text()
        #expect(text.contains(words) && text.contains("Try:"))
    }

    @Test("a token file that is not there, and a port that is taken, are told")
    func missing() async throws {
        let folder = try Folder()
        defer { folder.remove() }
        let tokenless = try folder.start("--state-dir", "claw", "--token-file", "nowhere")
        try await ends(tokenless, .exit(66))
        let first = try folder.standIn()
        let port = try #require(try await Self.event("listening", of: first).json?["port"]?.integer)
        let second = try folder.standIn("--port", String(port))
        try await ends(second, .exit(64))
        #expect(await second.errors.text().contains("Port \(port)"))
        first.signal(SIGTERM)
        try await ends(first, .clean)
    }
}
