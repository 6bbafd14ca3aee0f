import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Bad ledgers: a clear error and a hint; never a silent fresh start, never a lost row")
struct BadLedgerTests {
    private static let write = BadCall.good + ["--note", "x"]

    private static func expect(
        _ reply: Stage.Reply, _ code: Int32, _ names: [String], at location: SourceLocation = #_sourceLocation
    ) {
        #expect(reply.code == code, "\(reply.errors)", sourceLocation: location)
        #expect(reply.errors.contains("Error: "), "\(reply.errors)", sourceLocation: location)
        #expect(reply.errors.contains("Try:"), "\(reply.errors)", sourceLocation: location)
        for name in names { #expect(reply.errors.contains(name), "\(reply.errors)", sourceLocation: location) }
        #expect(!reply.out.contains("durable"), sourceLocation: location)
    }

    @Test("a folder that is missing is named by those who only read")
    func missing() async throws {
        try await Stage.play { stage in
            for verb in [["status"], ["wake", "list"], ["sentinel", "list"], ["ledger", "check"]] {
                Self.expect(try await stage.run(verb), 73, [stage.ledger])
            }
            #expect(!FileManager.default.fileExists(atPath: stage.ledger))
        }
    }

    @Test("a file that is no database, an emptied one and another program's are left alone")
    func foreign() async throws {
        try await Stage.play { stage in
            let path = stage.ledger + "/ledger.sqlite"
            try FileManager.default.createDirectory(
                atPath: stage.ledger, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for contents in [Array("shopping list: milk, eggs, and so on and so forth".utf8), []] {
                try stage.write(contents, to: path)
                for verb in [Self.write, ["daemon"], ["status"]] { Self.expect(try await stage.run(verb), 65, [path]) }
                #expect(FileManager.default.contents(atPath: path) == Data(contents))
            }
            try FileManager.default.removeItem(atPath: path)
            try await Self.sql(path, "CREATE TABLE recipes (name)")
            let before = FileManager.default.contents(atPath: path)
            for verb in [Self.write, ["daemon"], ["status"]] { Self.expect(try await stage.run(verb), 65, [path]) }
            #expect(FileManager.default.contents(atPath: path) == before)
        }
    }

    @Test("a ledger that is gone while its traces are there is not made anew")
    func gone() async throws {
        try await Stage.play { stage in
            let daemon = try await stage.startDaemon()
            try await stage.stop(daemon)
            try FileManager.default.removeItem(atPath: stage.ledger + "/ledger.sqlite")
            Self.expect(try await stage.run("daemon"), 65, [stage.ledger, "backup"])
            Self.expect(try await stage.run(Self.write), 65, [stage.ledger])
        }
    }

    @Test("a damaged ledger is reported by check, with what to do")
    func damaged() async throws {
        try await Stage.play { stage in
            for number in 1...30 { _ = try await stage.writeSentinel("row \(number) " + String(repeating: "x", count: 3000)) }
            let daemon = try await stage.startDaemon()
            try await stage.stop(daemon)
            let path = stage.ledger + "/ledger.sqlite"
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            let size = try handle.seekToEnd()
            for page in stride(from: 8192, to: size, by: 12_288) {
                try handle.seek(toOffset: page)
                try handle.write(contentsOf: Data(repeating: 0xA5, count: 512))
            }
            try handle.close()
            let check = try await stage.run("ledger", "check")
            #expect(check.code == 65, "\(check.out)\(check.errors)")
            #expect((check.out + check.errors).contains(path))
            #expect((check.out + check.errors).contains("Try:"))
        }
    }

    @Test("a ledger that another process has locked is tried for some seconds, then named; nothing is promised")
    func locked() async throws {
        try await Stage.play { stage in
            _ = try await stage.writeSentinel("first")
            let path = stage.ledger + "/ledger.sqlite"
            let holder = try Program(
                "/usr/bin/env",
                [
                    "python3", "-c",
                    """
                    import sqlite3, sys
                    c = sqlite3.connect(sys.argv[1], isolation_level=None)
                    c.execute('BEGIN IMMEDIATE')
                    print('held', flush=True)
                    sys.stdin.read()
                    """,
                    path,
                ], environment: ProcessInfo.processInfo.environment, directory: stage.folder)
            _ = try await within("the lock", { holder.errors.all.map(\.text).joined() }) {
                for await line in holder.out.stream() where line.text == "held" { return line }
                return nil
            }
            Self.expect(try await stage.run(Self.write), 75, [path, "busy"])
            holder.feed()
            _ = try await holder.ended()
            let list = try await stage.run("sentinel", "list", "--json")
            #expect(list["inbox"]?.integer == 1)
        }
    }

    @Test("a ledger from a newer version is refused with both versions, and left as it is")
    func newer() async throws {
        try await Stage.play { stage in
            _ = try await stage.writeSentinel("kept")
            let path = stage.ledger + "/ledger.sqlite"
            try await Self.sql(path, "PRAGMA user_version = 99; UPDATE meta SET value = 99 WHERE key = 'minReader'")
            for verb in [Self.write, ["daemon"], ["status"]] { Self.expect(try await stage.run(verb), 65, [path, "99"]) }
            try await Self.sql(path, "PRAGMA user_version = 3; UPDATE meta SET value = 3 WHERE key = 'minReader'")
            let daemon = try await stage.startDaemon()
            try await daemon.saw("wakeEnded")
            #expect(stage.messages().count == 1)
            try await stage.stop(daemon)
        }
    }

    /// Mounts belong to root, here or in a user namespace of the test's own.
    private static func mounted(_ stage: Stage, _ mount: String) -> [String] {
        ["/usr/bin/env", "unshare"] + (geteuid() == 0 ? [] : ["--map-root-user"])
            + ["--mount", "--propagation", "private", "/bin/sh", "-c", "\(mount) && exec \"$@\"", "sh"]
    }

    @Test("a read-only file system is named; nothing is promised, and what was there is still there")
    func readOnly() async throws {
        try await Stage.play { stage in
            _ = try await stage.writeSentinel("before")
            let state = stage.folder + "/state"
            let wrapper = Self.mounted(stage, "mount --bind \(state) \(state) && mount -o remount,ro,bind \(state)")
            for verb in [Self.write, ["daemon"]] { Self.expect(try await stage.run(verb, wrapper: wrapper), 73, [stage.ledger]) }
            try FileManager.default.moveItem(atPath: stage.ledger, toPath: stage.folder + "/aside")
            for verb in [Self.write, ["daemon"]] { Self.expect(try await stage.run(verb, wrapper: wrapper), 73, [stage.ledger]) }
            try FileManager.default.moveItem(atPath: stage.folder + "/aside", toPath: stage.ledger)
            let list = try await stage.run("sentinel", "list", "--json")
            #expect(list["inbox"]?.integer == 1)
        }
    }

    @Test("a full disk refuses sentinels, says so, and keeps those that it acknowledged")
    func full() async throws {
        try await Stage.play { stage in
            let state = stage.folder + "/state"
            // Writes until it is refused, then shows what is there: all in one mount.
            let script = """
                mount -t tmpfs -o size=400k,mode=700 none \(state) && n=0 && code=0
                while [ $n -le 200 ]; do
                  "$0" sentinel write --config \(stage.configuration) --session \(Stage.session) \
                    --note "$(printf '%04000d' 1)" >/dev/null 2>\(stage.folder)/said
                  code=$?; [ $code -eq 0 ] || break; n=$((n+1))
                done
                "$0" sentinel list --config \(stage.configuration) --json
                echo "acknowledged $n" >&2; exit $code
                """
            let line =
                ["unshare"] + (geteuid() == 0 ? [] : ["--map-root-user"])
                + ["--mount", "--propagation", "private", "/bin/sh", "-c", script, Program.path]
            let program = try Program(
                "/usr/bin/env", line,
                environment: ["PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", "HOME": stage.folder],
                directory: stage.folder)
            program.feed()
            let end = try await program.ended()
            let said = try String(contentsOfFile: stage.folder + "/said", encoding: .utf8)
            #expect(end == .exit(75), "\(said)")
            #expect(said.contains("Error: ") && said.contains("Try:"), "\(said)")
            let acknowledged = try #require(await program.errors.text().split(separator: " ").last.flatMap { Int64($0) })
            #expect(acknowledged > 0)
            let list = try #require(try? JSONValue.parse(Array(await program.out.text().utf8)))
            #expect(list["inbox"]?.integer == acknowledged)
        }
    }

    /// Runs SQL with a program that is not ours.
    private static func sql(_ path: String, _ text: String) async throws {
        let program = try Program(
            "/usr/bin/env",
            [
                "python3", "-c",
                "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit(); c.close()", path,
                text,
            ],
            environment: ProcessInfo.processInfo.environment, directory: "/")
        program.feed()
        #expect(try await program.ended() == .clean)
    }
}
