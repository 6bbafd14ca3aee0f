import Foundation
import Testing
import WakeCore

/// `reveille install` as far as it goes without a systemd: what it says it would do. The deed is for a real systemd.
@Suite("What an install would do")
struct InstallTests {
    /// A home of its own, in which nothing but plans is made.
    private struct Home {
        let path: String

        static func play(_ body: (Home) async throws -> Void) async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "reveille-home-\(UInt64.random(in: .min ... .max))")
                .path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await body(Home(path: path))
        }

        var units: String { path + "/.config/systemd/user" }

        func run(_ arguments: String...) async throws -> Stage.Reply {
            let program = try Program(
                Program.path, arguments, environment: ["PATH": "/usr/bin:/bin", "HOME": path], directory: path)
            program.feed()
            let end = try await program.ended()
            return Stage.Reply(end: end, out: await program.out.text(), errors: await program.errors.text())
        }

        func write(_ text: String, to path: String) throws {
            try FileManager.default.createDirectory(
                at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: path))
        }
    }

    @Test("a dry run names every file, and writes none")
    func dryRun() async throws {
        try await Home.play { home in
            let reply = try await home.run("install", "--user", "--dry-run", "--json")
            #expect(reply.code == 0, "\(reply.errors)")
            let files = try #require(reply["files"]?.array)
            #expect(files.allSatisfy { $0["standing"]?.string == "new" && $0["action"]?.string == "write" })
            #expect(files.contains { $0["path"]?.string == home.units + "/reveille.service" })
            // The program lies beside the tests, where no service manager looks.
            #expect(files.contains { $0["path"]?.string == home.units + "/reveille.service.d/10-program.conf" })
            #expect(reply["token"]?.string == "missing")
            let words = try await home.run("install", "--user", "--dry-run")
            #expect(words.out.contains("discord.token") && words.out.contains("Nothing was done"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: home.path).isEmpty)
        }
    }

    @Test("a file that was there before is left alone, and the way to compare is named")
    func foreignFile() async throws {
        try await Home.play { home in
            let unit = home.units + "/reveille.service"
            try home.write("[Service]\nExecStart=mine\n", to: unit)
            let reply = try await home.run("install", "--user", "--dry-run")
            #expect(reply.out.contains("reveille install --user --print \(unit) | diff \(unit) -"))
            let plan = try await home.run("install", "--user", "--dry-run", "--json", "--overwrite")
            #expect(plan["files"]?.array?.contains { $0["action"]?.string == "overwrite" } == true)
            let printed = try await home.run("install", "--user", "--print", unit)
            #expect(printed.out.contains("ExecStart=reveille daemon"))
        }
    }

    @Test("a token that others can read is found before anything is started")
    func exposedToken() async throws {
        try await Home.play { home in
            try home.write("MTExMTExMTExMTExMTExMTEx.GxxxxX.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", to: home.path + "/token")
            try home.write(
                #"{ discord: { accounts: { default: { tokenFile: "~/token" } } } }"#,
                to: home.path + "/.config/reveille/reveille.json5")
            for (mode, verdict) in [(0o644, "wrong"), (0o600, "good")] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: home.path + "/token")
                let reply = try await home.run("install", "--user", "--dry-run", "--json")
                #expect(reply["token"]?.string == verdict)
            }
        }
    }

    @Test(
        "what can't be allowed is refused, by name",
        arguments: [
            (["--may-restart", "reveille"], "reveille.service is Reveille's own"),
            (["--may-restart", "reveille-channel@discord:default"], "Reveille's own"),
            (["--may-restart", "reveille-turn@0a"], "Reveille's own"),
            (["--may-restart", "app@"], "template"), (["--may-restart", "a b"], "characters"),
            (["--may-restart", "x\";rm"], "characters"), (["--user", "--may-restart", "nginx"], "for the system service"),
            (["--json"], "--dry-run"),
        ])
    func refused(_ arguments: [String], _ words: String) async throws {
        try await Home.play { home in
            let program = try Program(
                Program.path, ["install"] + arguments, environment: ["PATH": "/usr/bin:/bin", "HOME": home.path],
                directory: home.path)
            program.feed()
            let end = try await program.ended()
            #expect(end == .exit(64))
            let errors = await program.errors.text()
            #expect(errors.contains(words), "\(errors)")
        }
    }
}
