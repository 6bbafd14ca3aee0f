import Foundation
import Glibc
import Logging
import Testing
import WakeCore
import WakeService
import WakeTesting

@testable import AgentRunner

@Suite("Agents that are commands", .timeLimit(.minutes(2)))
struct CommandTurnsTests {
    @Test("the command gets the text, its placeholders as whole arguments, and the wake as its key")
    func started() async throws {
        let script = #"cat; printf '%s|' "$@" "$REVEILLE_IDEMPOTENCY_KEY" "$REVEILLE_SESSION" "$MINE"; pwd"#
        let rig = try TurnRig([
            "sh", "-c", script, "sh", "{sessionKey}", "--to", "{to}", "{channel}x", "; rm -rf {agent}", "{agent}",
        ]) {
            $0.environment = ["MINE": "a b"]
        }
        defer { rig.remove() }
        let order = try TurnRig.order(text: "go on\n`$(whoami)`")
        #expect(try await rig.run(order) == .done)
        let printed = try rig.output(order)
        #expect(printed.hasPrefix("go on\n`$(whoami)`\n\n-# reveille 1\n"))
        #expect(
            printed.contains(
                "agent:infra:discord:channel:900|--to|channel:900|{channel}x|; rm -rf {agent}|infra|0000000000000000000001t|agent:infra:discord:channel:900|a b|"
            ), "\(printed)")
        #expect(printed.contains(rig.folder + "/work"))
    }

    @Test("the text in a file, for those who read files; nothing is on their standard input")
    func file() async throws {
        let rig = try TurnRig(["sh", "-c", "cat; cat \"$1\"", "sh", "{textFile}"]) { $0.input = .file }
        defer { rig.remove() }
        let order = try TurnRig.order()
        #expect(try await rig.run(order) == .done)
        #expect(try rig.output(order) == "go on\n\n-# reveille 1\n")
    }

    @Test(
        "exit codes: 0 done, 75 try later, others failed; a signal, a program that is not there",
        arguments: [
            (["true"], Turn.End.done), (["sh", "-c", "exit 75"], .tryLater),
            (["sh", "-c", "exit 3"], .failed(reason: "exit code 3")),
            (["sh", "-c", "kill -9 $$"], .failed(reason: "it was ended by signal 9: killed, perhaps for want of memory")),
        ])
    func ends(run: [String], end: Turn.End) async throws {
        let rig = try TurnRig(run)
        defer { rig.remove() }
        #expect(try await rig.run(try TurnRig.order()) == end)
    }

    @Test("a program that is missing or can't be executed says so", arguments: ["no-such-program", "/etc/passwd"])
    func notStarted(program: String) async throws {
        let rig = try TurnRig([program])
        defer { rig.remove() }
        guard case .failed(let reason)? = try await rig.run(try TurnRig.order()) else {
            Issue.record("not failed")
            return
        }
        #expect(reason.contains("'\(program)' could not be started"), "\(reason)")
    }

    @Test("a folder that is not there says so")
    func noFolder() async throws {
        let rig = try TurnRig(["true"]) { $0.directory = "/nonexistent" }
        defer { rig.remove() }
        #expect(
            try await rig.run(try TurnRig.order())
                == .failed(reason: "the folder '/nonexistent' can't be entered: No such file or directory"))
    }

    @Test("one that hangs is ended by its time limit, and by force where it does not listen")
    func hangs() async throws {
        let rig = try TurnRig(["sh", "-c", "trap '' TERM; sleep 1000 & wait; sleep 1000"]) { $0.timeLimit = .seconds(1) }
        defer { rig.remove() }
        let end = try await rig.run(try TurnRig.order())
        #expect(end == .failed(reason: "it was ended by its time limit"))
    }

    @Test(
        "what is left in the background holds nothing up, and is ended, in a session of its own too",
        arguments: ["sleep 1000 & echo $!", "setsid sleep 1000 & echo $!"])
    func background(script: String) async throws {
        let rig = try TurnRig(["sh", "-c", script])
        defer { rig.remove() }
        let order = try TurnRig.order()
        #expect(try await rig.run(order) == .done)
        let pid = try #require(Int32(try rig.output(order).trimmingCharacters(in: .whitespacesAndNewlines)))
        while TurnFolder.Process.startTime(of: pid) != nil { await Task.yield() }
    }

    @Test("one that prints without end fills no disk: what is over the limit is dropped")
    func prints() async throws {
        let rig = try TurnRig(["sh", "-c", "head -c 1073741824 /dev/zero; echo end"]) { $0.outputBytes = 10_000 }
        defer { rig.remove() }
        let order = try TurnRig.order()
        #expect(try await rig.run(order) == .done)
        #expect(try Data(contentsOf: URL(fileURLWithPath: rig.kept(order).output)).count == 10_000)
    }

    @Test("started twice under one key it runs once; under another, as after an operator's retry, once more")
    func once() async throws {
        let rig = try TurnRig(["sh", "-c", "echo ran >> log"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        let receipts = await withTaskGroup(of: Outcome.self) { group in
            for _ in 0..<2 { group.addTask { await rig.turns.start(order) } }
            return await group.reduce(into: [Outcome]()) { $0.append($1) }
        }
        #expect(Set(receipts).count == 1)
        #expect(try await rig.run(order) == .done)
        #expect(try String(contentsOfFile: rig.folder + "/work/log", encoding: .utf8) == "ran\n")
        #expect(try await rig.run(try TurnRig.order("0000000000000000000001t2")) == .done)
        #expect(try String(contentsOfFile: rig.folder + "/work/log", encoding: .utf8) == "ran\nran\n")
    }

    @Test("another life of the daemon takes up what runs, and finds what has ended")
    func anotherLife() async throws {
        let rig = try TurnRig(["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        guard case .accepted(let receipt) = await rig.turns.start(order) else {
            Issue.record("not accepted")
            return
        }
        let next = CommandTurns(
            ["infra": rig.agent], folder: rig.folder + "/turns", executor: [], units: nil,
            moments: try SystemMoments(environment: [:]), logger: Logger(label: "turns") { _ in SwiftLogNoOpLogHandler() })
        #expect(await next.start(order) == .accepted(receipt), "and starts nothing")
        let search = SearchOrder(
            delivery: order.delivery, session: order.session, route: order.route, trailer: order.trailer, nonce: order.nonce,
            since: try SystemMoments(environment: [:]).now())
        #expect(await next.search(search) == .found(Receipt(kind: .unit, id: receipt.id, source: .history)))
        #expect(FileManager.default.createFile(atPath: rig.folder + "/work/go", contents: nil))
        let turn = try rig.turn(order, receipt)
        #expect(await next.follow(turn) == .done)
        #expect(await next.follow(turn) == .done, "the result is kept")
    }

    @Test("no signal is kept from the command")
    func signals() async throws {
        let rig = try TurnRig(["grep", "SigBlk", "/proc/self/status"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        #expect(try await rig.run(order) == .done)
        let printed = try String(contentsOfFile: rig.kept(order).output, encoding: .utf8)
        #expect(printed == "SigBlk:\t0000000000000000\n")
    }

    @Test("the command is looked for where its own environment says")
    func ownPath() async throws {
        let rig = try TurnRig(["an-agent-of-mine"]) { $0.environment = ["PATH": "/nonexistent"] }
        defer { rig.remove() }
        let tools = rig.folder + "/tools"
        try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
        try Data("#!/bin/sh\nexit 0\n".utf8).write(to: URL(filePath: tools + "/an-agent-of-mine"))
        chmod(tools + "/an-agent-of-mine", 0o700)
        guard case .failed = try await rig.run(try TurnRig.order()) else {
            Issue.record("it was found")
            return
        }
        let other = try TurnRig(["an-agent-of-mine"]) { $0.environment = ["PATH": "/usr/bin:/bin:" + tools] }
        defer { other.remove() }
        #expect(try await other.run(try TurnRig.order()) == .done)
    }

    @Test("a turn that is stopped from outside is no turn that a person took back; one that ends well all the same is done")
    func stoppedFromOutside() async throws {
        for (script, end) in [
            ("sleep 1000", Turn.End.lost(reason: "it was stopped from outside, with its unit or with the machine")),
            ("trap 'exit 0' TERM; touch ready; while :; do sleep 0.01; done", .done),
        ] {
            let rig = try TurnRig(["sh", "-c", script])
            defer { rig.remove() }
            let order = try TurnRig.order()
            guard case .accepted(let receipt) = await rig.turns.start(order) else {
                Issue.record("not accepted")
                return
            }
            while end == .done, !FileManager.default.fileExists(atPath: rig.folder + "/work/ready") { await Task.yield() }
            kill(try #require(rig.kept(order).process).pid, SIGTERM)
            #expect(await rig.turns.follow(try rig.turn(order, receipt)) == end)
        }
    }

    @Test("a short turn is looked at often, a long one twice a second")
    func pace() {
        let pauses = [Duration.zero, .milliseconds(100), .seconds(1), .seconds(60)].map(CommandTurns.pause)
        #expect(pauses == [.milliseconds(20), .milliseconds(20), .milliseconds(100), .milliseconds(500)])
    }

    @Test("a process that is gone without a result is lost, and what it ran is ended; one that started later is another")
    func lost() async throws {
        let rig = try TurnRig(["sleep", "1000"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        guard case .accepted(let receipt) = await rig.turns.start(order) else {
            Issue.record("not accepted")
            return
        }
        let process = try #require(rig.kept(order).process)
        var command: TurnFolder.Process?
        while command == nil {
            command = rig.kept(order).command
            await Task.yield()
        }
        kill(process.pid, SIGKILL)
        let end = await rig.turns.follow(try rig.turn(order, receipt))
        #expect(end == .lost(reason: "its process is gone and left no result"))
        while command?.isAlive == true { await Task.yield() }
        #expect(!TurnFolder.Process(pid: getpid(), start: 1, boot: TurnFolder.Process.currentBoot()).isAlive)
    }

    @Test("the boot is the same, whether the kernel tells it or the unit does, where a sandbox hides the kernel's file")
    func boot() {
        let kernel = TurnFolder.Process.currentBoot(given: nil)
        #expect(kernel.utf8.count == 32)
        #expect(TurnFolder.Process.currentBoot(given: "") == kernel)
        #expect(TurnFolder.Process.currentBoot(given: "0A-1b") == "0a1b")
    }

    @Test("a person's cancel ends it, and it says so")
    func cancelled() async throws {
        let rig = try TurnRig(["sh", "-c", "sleep 1000"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        guard case .accepted(let receipt) = await rig.turns.start(order) else {
            Issue.record("not accepted")
            return
        }
        let turn = try rig.turn(order, receipt)
        await rig.turns.cancel(turn)
        #expect(await rig.turns.follow(turn) == .cancelled)
    }

    @Test("where nobody can be kept from a turn that has not begun, it is looked for again")
    func noClaim() async throws {
        let rig = try TurnRig(["true"], executor: ["/bin/true"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        _ = await rig.turns.start(order)
        // In a claim's place lies what no claim is and none can replace, as if the disk were full.
        try FileManager.default.createDirectory(atPath: rig.kept(order).path + "/claim", withIntermediateDirectories: true)
        let search = SearchOrder(
            delivery: order.delivery, session: order.session, route: order.route, trailer: order.trailer, nonce: order.nonce,
            since: try SystemMoments(environment: [:]).now())
        guard case .tryAgain = await rig.turns.search(search) else {
            Issue.record("it was decided")
            return
        }
    }

    @Test("a start that left its order and no claim is made never to happen; one that was claimed is unclear")
    func unclear() async throws {
        let rig = try TurnRig(["true"], executor: ["/bin/true"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        let search = SearchOrder(
            delivery: order.delivery, session: order.session, route: order.route, trailer: order.trailer, nonce: order.nonce,
            since: try SystemMoments(environment: [:]).now())
        #expect(await rig.turns.search(search) == .absent)
        guard case .ambiguous = await rig.turns.start(order) else {
            Issue.record("not unclear")
            return
        }
        #expect(await rig.turns.search(search) == .prevented, "and from now on nobody can begin it")
        #expect(TurnExecutor.run(rig.kept(order).path) == 75)
        #expect(await rig.turns.search(search) == .prevented)
        let other = try TurnRig.order("0000000000000000000001t3")
        _ = await rig.turns.start(other)
        #expect(rig.kept(other).claim(as: "taken") && !rig.kept(other).claim(as: "taken"))
        let claimed = SearchOrder(
            delivery: order.delivery, session: order.session, route: order.route, trailer: order.trailer, nonce: other.nonce,
            since: search.since)
        guard case .cannotTell = await rig.turns.search(claimed) else {
            Issue.record("one that was claimed may have run")
            return
        }
    }

    @Test("a process that can't make itself known runs nothing, and leaves the turn to whoever comes next")
    func unclaimed() throws {
        let rig = try TurnRig(["true"])
        defer { rig.remove() }
        mkdir(rig.folder + "/turns", 0o700)
        let turn = TurnFolder(path: rig.folder + "/turns/x")
        let order = TurnFolder.Order(
            arguments: ["true"], directory: "/", environment: [:], readsInput: true, timeLimitSeconds: 1, outputBytes: 1)
        try turn.make(order, input: "")
        mkdir(turn.path + "/process.json", 0o700)
        #expect(TurnExecutor.run(turn.path) == 74 && turn.claim == nil)
        rmdir(turn.path + "/process.json")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: TurnRig.program)
        process.arguments = ["turn-exec", turn.path]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && turn.claim == "taken")
    }

    @Test("a full disk starts nothing, and says so", .enabled(if: geteuid() == 0))
    func fullDisk() async throws {
        let rig = try TurnRig(["true"])
        defer { rig.remove() }
        mkdir(rig.folder + "/turns", 0o700)
        try #require(mount("tmpfs", rig.folder + "/turns", "tmpfs", 0, "size=8k") == 0)
        defer { umount2(rig.folder + "/turns", Int32(MNT_DETACH)) }
        try? Data(repeating: 1, count: 8_192).write(to: URL(fileURLWithPath: rig.folder + "/turns/ballast"))
        guard case .transient(let reason, _) = await rig.turns.start(try TurnRig.order()) else {
            Issue.record("not transient")
            return
        }
        #expect(reason.contains("No space left"), "\(reason)")
    }

    @Test("nothing of the daemon's own environment reaches the command but what any program needs")
    func environment() async throws {
        setenv("REVEILLE_DISCORD_TOKEN", "secret", 1)
        setenv("NOTIFY_SOCKET", "/run/x", 1)
        defer { for name in ["REVEILLE_DISCORD_TOKEN", "NOTIFY_SOCKET"] { unsetenv(name) } }
        let rig = try TurnRig(["env"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        #expect(try await rig.run(order) == .done)
        let printed = try rig.output(order)
        #expect(printed.contains("PATH=") && !printed.contains("secret") && !printed.contains("NOTIFY_SOCKET"))
    }

    @Test("a text too long for an argument is refused in words; on standard input it goes")
    func longText() async throws {
        let text = String(repeating: "x", count: 200_000)
        let rig = try TurnRig(["echo", "{text}"])
        defer { rig.remove() }
        guard case .permanent(let reason) = await rig.turns.start(try TurnRig.order(text: text)) else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains("use standard input, or {textFile}"))
        let other = try TurnRig(["wc", "-c"])
        defer { other.remove() }
        let order = try TurnRig.order(text: text)
        #expect(try await other.run(order) == .done)
        #expect(try other.output(order) == "200016\n")
    }

    @Test("only sessions of its agents, and only where no gateway has agents of its own")
    func serves() throws {
        let rig = try TurnRig(["true"])
        defer { rig.remove() }
        let gateway = try #require(ChannelName("gateway:main/discord:default"))
        #expect(rig.turns.serves(try SessionKey("agent:infra:main"), over: .discord()))
        #expect(!rig.turns.serves(try SessionKey("agent:other:main"), over: .discord()))
        #expect(!rig.turns.serves(try SessionKey("agent:infra:main"), over: gateway))
        #expect(rig.turns.runs("infra") && !rig.turns.runs("other"))
    }

    @Test("a result half written is none; old results are removed")
    func files() async throws {
        let rig = try TurnRig(["true"])
        defer { rig.remove() }
        let order = try TurnRig.order()
        #expect(try await rig.run(order) == .done)
        let path = rig.kept(order).path + "/result.json"
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        try String(whole.dropLast(3)).write(toFile: path, atomically: true, encoding: .utf8)
        #expect(rig.kept(order).result == nil)
        try whole.write(toFile: path, atomically: true, encoding: .utf8)
        let now = try SystemMoments(environment: [:]).now()
        rig.turns.prune(endedBefore: now.advanced(by: .seconds(-60)))
        #expect(rig.kept(order).exists)
        rig.turns.prune(endedBefore: now.advanced(by: .seconds(60)))
        #expect(!rig.kept(order).exists)
    }
}
