import Foundation
import Glibc
import Logging
import Testing
import WakeCore
import WakeService

@testable import HookRunner

/// A folder of hooks, gone with the test.
struct HookRig {
    let folder = FileManager.default.temporaryDirectory.appending(path: "hooks-\(UInt64.random(in: 0 ... .max))").path

    init() throws {
        for name in ["pre-restart.d", "post-wake.d"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ name: String, _ script: String, mode: Int = 0o755, in kind: String = "pre-restart.d") throws {
        let path = "\(folder)/\(kind)/\(name)"
        try #require(FileManager.default.createFile(atPath: path, contents: Data("#!/bin/sh\n\(script)\n".utf8)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    func hooks(refuses: Bool = true, limit: Duration = .seconds(60), environment: [String: String] = [:]) -> FolderHooks {
        FolderHooks(
            FolderHooks.Settings(directory: folder, preRestartLimit: limit, refusesOnFailure: refuses, postWakeLimit: limit),
            environment: environment.merging(["PATH": "/usr/bin:/bin"]) { mine, _ in mine },
            logger: Logger(label: "hooks") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What the hooks wrote into a file beside their folders.
    func deeds() -> [String] {
        let text = (try? String(contentsOfFile: folder + "/deeds", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    func occasion() throws -> HookOccasion {
        HookOccasion(
            sentinels: [Identifier(high: 0, low: 1)], session: try SessionKey("agent:infra:discord:channel:900"),
            target: .unit("nginx.service"), note: "go on\nwith $(step) 3")
    }
}

@Suite("Hooks", .timeLimit(.minutes(2)))
struct FolderHooksTests {
    @Test("they run in the order of their names and are told the restart; their input is empty")
    func order() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("20-second", "echo second >> \(rig.folder)/deeds; cat")
        try rig.write("10-first", #"echo "$REVEILLE_HOOK $REVEILLE_TARGET $REVEILLE_SESSION" >> \#(rig.folder)/deeds"#)
        try rig.write(
            "30.third", #"printf '%s\n' "$REVEILLE_NOTE" "$REVEILLE_SENTINEL" "[$REVEILLE_WAKE]" >> \#(rig.folder)/deeds"#)
        #expect(await rig.hooks().beforeRestart(try rig.occasion()) == nil)
        #expect(
            rig.deeds() == [
                "pre-restart unit:nginx.service agent:infra:discord:channel:900", "second", "go on", "with $(step) 3",
                "\(Identifier(high: 0, low: 1))", "[]",
            ])
    }

    @Test("without the folder, or in an empty one, nothing runs and nothing fails")
    func missing() async throws {
        let rig = try HookRig()
        #expect(await rig.hooks().beforeRestart(try rig.occasion()) == nil)
        rig.remove()
        #expect(await rig.hooks().beforeRestart(try rig.occasion()) == nil)
    }

    @Test("a failure is named and stops the restart, or is told only, as the operator chose; the others run all the same")
    func failing() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-bad", "exit 3")
        try rig.write("20-worse", "kill -SEGV $$")
        try rig.write("30-good", "echo good >> \(rig.folder)/deeds")
        let reason = try #require(await rig.hooks().beforeRestart(try rig.occasion()))
        #expect(reason.contains("10-bad: exit code 3") && reason.contains("20-worse: ended by signal 11"), "\(reason)")
        #expect(reason.contains(rig.folder) && !reason.contains("30-good"))
        #expect(await rig.hooks(refuses: false).beforeRestart(try rig.occasion()) == nil)
        #expect(rig.deeds() == ["good", "good"])
    }

    @Test("one that somebody is still writing is waited for a moment; for good it can't be started")
    func written() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-new", "echo new >> \(rig.folder)/deeds")
        let writer = open(rig.folder + "/pre-restart.d/10-new", O_WRONLY | O_CLOEXEC)
        let reason = try #require(await rig.hooks().beforeRestart(try rig.occasion()))
        #expect(reason.contains("10-new: can't be started: Text file busy"), "\(reason)")
        let occasion = try rig.occasion()
        let run = Task { await rig.hooks().beforeRestart(occasion) }
        await Task.yield()
        close(writer)
        let late = await run.value
        #expect(late == nil)
        #expect(rig.deeds() == ["new"])
    }

    @Test("one that hangs is ended with its group when the time is over, and those after it are not begun")
    func hanging() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-hangs", "trap '' TERM; echo $$ > \(rig.folder)/pid; while :; do sleep 1000; done")
        try rig.write("20-late", "echo late >> \(rig.folder)/deeds")
        let reason = try #require(await rig.hooks(limit: .milliseconds(500)).beforeRestart(try rig.occasion()))
        #expect(reason.contains("10-hangs: not done in time") && reason.contains("20-late: not run"), "\(reason)")
        #expect(rig.deeds().isEmpty)
        let text = try String(contentsOfFile: rig.folder + "/pid", encoding: .utf8)
        let group = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        while kill(-group, 0) == 0 { await Task.yield() }
        #expect(errno == ESRCH)
    }

    @Test("one that leaves something in the background is done when it ends itself, and what it left is ended")
    func background() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-forks", "sleep 1000 &\necho $! > \(rig.folder)/pid; echo forked")
        #expect(await rig.hooks().beforeRestart(try rig.occasion()) == nil)
        let text = try String(contentsOfFile: rig.folder + "/pid", encoding: .utf8)
        let left = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        while Self.runs(left) { await Task.yield() }
    }

    /// Whether a process runs; one that waits to be collected does not.
    private static func runs(_ pid: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return !text.contains(") Z ")
    }

    @Test("one that prints without end is neither held up nor kept in full")
    func printing() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-prints", "head -c 20000000 /dev/zero | tr '\\0' x; echo done >> \(rig.folder)/deeds")
        let results = await HookThread(name: "hooks").run("\(rig.folder)/pre-restart.d", ["PATH": "/usr/bin:/bin"], .seconds(60))
        #expect(results.map(\.failure) == [nil] && rig.deeds() == ["done"])
        #expect(results.first?.output == [UInt8](repeating: UInt8(ascii: "x"), count: HookProcess.keptBytes))
    }

    @Test("one that can't be started is a failure in words")
    func broken() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-broken", "")
        try Data("#!/no/such/program\n".utf8).write(to: URL(filePath: rig.folder + "/pre-restart.d/10-broken"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: rig.folder + "/pre-restart.d/10-broken")
        let reason = try #require(await rig.hooks().beforeRestart(try rig.occasion()))
        #expect(reason.contains("10-broken: can't be started: No such file"), "\(reason)")
    }

    @Test("tokens and the service manager's sockets stay with the daemon")
    func environment() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-env", "env | cut -d= -f1 | sort >> \(rig.folder)/deeds")
        let given = ["REVEILLE_DISCORD_TOKEN": "t", "MY_TOKEN": "t", "NOTIFY_SOCKET": "/x", "HOME": "/home/x", "LC_ALL": "C"]
        _ = await rig.hooks(environment: given).beforeRestart(try rig.occasion())
        let names = Set(rig.deeds())
        #expect(names.isSuperset(of: ["HOME", "LC_ALL", "PATH", "REVEILLE_HOOK", "REVEILLE_NOTE"]), "\(names)")
        #expect(names.isDisjoint(with: given.keys.filter { $0 != "HOME" && $0 != "LC_ALL" }), "\(names)")
    }

    @Test("a note that is longer than a variable may be is cut, and the hook runs")
    func longNote() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-note", #"printf '%s' "$REVEILLE_NOTE" | wc -c >> \#(rig.folder)/deeds"#)
        var occasion = try rig.occasion()
        occasion.note = String(repeating: "n", count: 300_000) + "\0"
        #expect(await rig.hooks().beforeRestart(occasion) == nil)
        #expect(rig.deeds() == ["\(FolderHooks.noteBytes + 3)"])
    }

    @Test("the daemon's stop ends a hook that runs after a wake")
    func stopped() async throws {
        let rig = try HookRig()
        defer { rig.remove() }
        try rig.write("10-hangs", "echo begun >> \(rig.folder)/deeds; sleep 1000", in: "post-wake.d")
        let hooks = rig.hooks(limit: .seconds(1_000))
        let occasion = try rig.occasion()
        let task = Task { await hooks.afterWake(occasion) }
        while rig.deeds().isEmpty { await Task.yield() }
        task.cancel()
        await task.value
    }
}
