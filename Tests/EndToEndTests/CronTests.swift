import DiscordLoopback
import Foundation
import Testing
import WakeCore

@Suite("Jobs, with the real program", .timeLimit(.minutes(3)))
struct CronTests {
    private static func add(_ stage: Stage, _ arguments: String...) async throws -> Stage.Reply {
        try await stage.run(["cron", "add", "--session", Stage.session] + arguments)
    }

    private static func runs(_ stage: Stage) async throws -> [String] {
        try await stage.run("cron", "runs", "--json")["runs"]?.array?.compactMap { $0["result"]?.string } ?? []
    }

    /// Waits until nothing is owed.
    private static func settled(_ stage: Stage) async throws {
        _ = try await within("the end of all wakes", { "" }) {
            while true {
                let wakes = try await stage.run("wake", "list", "--json")
                if wakes["wakes"]?.array?.isEmpty == true { return true }
            }
        }
    }

    /// A time that has just passed, which counts as now.
    private static var justNow: String { Date(timeIntervalSinceNow: -2).formatted(.iso8601) }

    @Test("a job that is due once comes once, although it was added with no daemon there; then it is gone, and its run is kept")
    func once() async throws {
        try await Stage.play { stage in
            let added = try await Self.add(stage, "--at", "+1s", "--message", "look at the build", "--name", "build", "--json")
            #expect(added.code == 0 && added["durable"] == true && added["oneShot"] == true, "\(added.errors)")
            let waiting = try await stage.run("cron", "list")
            #expect(waiting.out.contains("inbox: waits for the daemon"), "\(waiting.out)")
            let daemon = try await stage.startDaemon()
            try await daemon.saw("jobRemoved")
            try await stage.stop(daemon)
            #expect(stage.messages().count == 1)
            #expect(
                stage.messages().first?.content.hasPrefix("**Job build**:\n> look at the build") == true, "\(stage.messages())")
            #expect(try await stage.run("cron", "list", "--json")["jobs"]?.array?.isEmpty == true)
            #expect(try await Self.runs(stage) == ["fired"])
            let id = try #require(added["id"]?.string)
            #expect(try await stage.run("cron", "runs", id, "--json")["runs"]?.array?.count == 1)
        }
    }

    @Test("no time of a repeating job comes twice, although the daemon is killed again and again")
    func killed() async throws {
        try await Stage.play { stage in
            try stage.world.perform(.message(channel: Stage.thread, content: "hello"))
            #expect(try await Self.add(stage, "--every", "1s", "--message", "again", "--name", "tick").code == 0)
            for _ in 1...4 {
                let daemon = try await stage.startDaemon("restart.loopStarts=0")
                try await daemon.saw("jobFired")
                daemon.signal(SIGKILL)
                _ = try await daemon.ended()
            }
            #expect(try await stage.run("cron", "remove", "tick").code == 0)
            let daemon = try await stage.startDaemon("restart.loopStarts=0")
            try await daemon.saw("jobRemoved")
            try await Self.settled(stage)
            try await stage.stop(daemon)
            let fired = try await Self.runs(stage).count { $0 == "fired" }
            let told = stage.messages().reduce(0) { $0 + $1.content.components(separatedBy: "> again").count - 1 }
            #expect(fired >= 4 && told == fired, "fired \(fired), told \(told)")
        }
    }

    @Test("what was missed is told and not run, or runs late, once, where that is wanted")
    func missed() async throws {
        try await Stage.play { stage in
            for policy in ["report", "run"] {
                let reply = try await Self.add(
                    stage, "--at", Self.justNow, "--grace", "0s", "--missed", policy, "--message", "do it", "--name", policy)
                #expect(reply.code == 0, "\(reply.errors)")
            }
            let daemon = try await stage.startDaemon()
            try await daemon.saw("jobMissed")
            try await daemon.saw("jobFired")
            try await Self.settled(stage)
            let list = try await stage.run("cron", "list")
            #expect(list.out.contains("over: missed"), "\(list.out)")
            try await stage.stop(daemon)
            let told = stage.messages().map(\.content).joined(separator: "\n")
            #expect(told.contains("**Job report was not run: it was due"), "\(told)")
            #expect(told.components(separatedBy: "**Job run").count == 2, "\(told)")
        }
    }

    @Test("a job runs by hand beside its times; it is shown, and taken back by its name")
    func byHand() async throws {
        try await Stage.play { stage in
            let daemon = try await stage.startDaemon()
            let added = try await Self.add(
                stage, "--cron", "0 9 * * MON-FRI", "--tz", "Europe/Berlin", "--message", "the day's plan", "--announce")
            #expect(added.code == 0 && added.out.contains("0 9 * * MON-FRI (Europe/Berlin)"), "\(added.out)\(added.errors)")
            try await daemon.saw("jobAdded")
            let ran = try await stage.run("cron", "run", "the day's plan")
            #expect(ran.code == 0 && ran.out.contains("runs now"), "\(ran.errors)")
            try await daemon.saw("wakeEnded")
            let shown = try await stage.run("cron", "show", "the day's plan")
            #expect(shown.out.contains("each run is announced") && shown.out.contains("last      fired"), "\(shown.out)")
            #expect(try await stage.run("cron", "remove", "the day's plan").code == 0)
            try await daemon.saw("jobRemoved")
            #expect(try await stage.run("cron", "show", "the day's plan").code == 66)
            try await stage.stop(daemon)
            #expect(stage.messages().count == 1)
        }
    }

    @Test("where the agent is a command each isolated run is a turn of a session of its own, and nobody else hears of it")
    func turns() async throws {
        try await Stage.play { stage in
            try stage.write(
                "#!/bin/sh\necho \"$REVEILLE_SESSION\" >> \"$HOME/sessions\"\ncat >> \"$HOME/told\"\n",
                to: stage.folder + "/agent.sh", mode: 0o700)
            let text = try String(contentsOfFile: stage.configuration, encoding: .utf8)
            try stage.write(
                #"{"agents": {"infra": {"run": ["\#(stage.folder)/agent.sh"]}}, "# + text.dropFirst(), to: stage.configuration)
            let daemon = try await stage.startDaemon()
            let added = try await stage.run(
                "cron", "add", "--every", "6h", "--session", "isolated", "--to", "channel:\(Stage.thread)", "--no-deliver",
                "--light-context", "--message", "check the disks", "--json")
            #expect(added.code == 0 && added["isolated"] == true, "\(added.errors)")
            let id = try #require(added["id"]?.string)
            for number in 1...2 {
                #expect(try await stage.run("cron", "run", id).code == 0)
                try await ControlStage.saw(daemon, "turnEnded", times: number)
            }
            try await stage.stop(daemon)
            let sessions = try String(contentsOfFile: stage.folder + "/sessions", encoding: .utf8).split(separator: "\n")
            #expect(
                Set(sessions).count == 2 && sessions.allSatisfy { $0.hasPrefix("agent:infra:cron:\(id):run:") }, "\(sessions)")
            let told = try String(contentsOfFile: stage.folder + "/told", encoding: .utf8)
            #expect(told.contains("> check the disks"))
            #expect(stage.messages().isEmpty)
        }
    }

    @Test("what can't be a job is said with the field that is wrong and what to do, and nothing is written")
    func refused() async throws {
        try await Stage.play { stage in
            let session = ["--session", Stage.session, "--message", "x"]
            for (arguments, words) in [
                (session + ["--cron", "0 25 * * *"], "hour"), (session + ["--cron", "* * *"], "fields"),
                (session + ["--cron", "0 0 31 2 *"], "day of month"), (session + ["--cron", "* * * * MOON"], "MOON"),
                (session + ["--at", "2020-01-01T00:00Z"], "in the past"), (session + ["--at", "tomorrow"], "no point in time"),
                (session + ["--at", "+20s", "--every", "1h"], "exactly one"), (session, "exactly one"),
                (session + ["--cron", "@daily", "--tz", "Mars/Olympus"], "no time zone"),
                (session + ["--every", "0s"], "zero"), (session + ["--every", "1h", "--tz", "UTC"], "--tz goes with"),
                (session + ["--at", "+1m", "--announce", "--no-deliver"], "together"),
                (session + ["--at", "+1m", "--no-deliver"], "nobody takes turns"),
                (session + ["--at", "+1m", "--channel", "discord"], "--channel needs --to"),
                (session + ["--at", "+1m", "--to", "nowhere:at:all"], "--to"),
                (session + ["--at", "+1m", "--missed", "never"], "--missed"),
                (session + ["--at", "+1m", "--grace", "-1s"], "--grace"),
                (session + ["--at", "+1m", "--agent", "other"], "not one of the agent other"),
                (["--at", "+1m", "--session", "isolated", "--message", "x"], "no agent is named"),
                (["--at", "+1m", "--session", "main", "--agent", "infra", "--message", "x"], "names no place"),
                (["--at", "+1m", "--message", "x"], "no session is named"),
                (["--at", "+1m", "--session", Stage.session, "--message", " "], "empty"),
            ] as [([String], String)] {
                let reply = try await stage.run(["cron", "add"] + arguments)
                #expect(reply.code == 64 && reply.errors.contains(words), "\(arguments): \(reply.code) \(reply.errors)")
                #expect(reply.errors.contains("Try:"), "\(arguments): \(reply.errors)")
            }
            let daemon = try await stage.startDaemon()
            #expect(try await stage.run("cron", "list").out.contains("no jobs"))
            #expect(try await stage.run("cron", "run", "nothing").code == 66)
            try await stage.stop(daemon)
        }
    }
}
