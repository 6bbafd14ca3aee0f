import DiscordLoopback
import Foundation
import Synchronization
import Testing
import WakeCore

/// What decides after a lost reply.
enum Judge: String, CaseIterable, Sendable {
    /// Discord knows the nonce again.
    case nonce
    /// Discord has forgotten every nonce; history must tell.
    case history
}

@Suite("Kills at random moments")
struct RandomKillTests {
    @Test(
        "with kill -9 around write, restart, send and receipt, no promised wake is lost and none is seen twice",
        .timeLimit(.minutes(30)), arguments: Judge.allCases)
    func kills(_ judge: Judge) async throws {
        let environment = ProcessInfo.processInfo.environment
        let rounds = environment["REVEILLE_TEST_KILL_ROUNDS"].flatMap { Int($0) } ?? 40
        let seed = environment["REVEILLE_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...999_999)
        var options = Stage.swift
        options.guilds = [.numbered(4)]
        if judge == .history { options.nonceWindow = .milliseconds(1) }
        let log = FileManager.default.temporaryDirectory.appending(path: "reveille-kills-\(judge)-\(seed)-\(getpid()).jsonl").path
        options.log = .file(log)
        defer { try? FileManager.default.removeItem(atPath: log) }
        try await Stage.play(options) { stage in
            // Somebody was here before: in a channel where nothing can be seen, absence can't be proven, and an attempt that was cut
            // off twice is rightly left to the operator.
            for channel in 0..<4 {
                try stage.world.perform(.message(channel: LoopbackOptions.defaultChannel + UInt64(channel), content: "hello"))
            }
            var story = KillStory(stage: stage, judge: judge, random: Seeded(state: seed))
            for round in 1...rounds { try await story.play(round) }
            try await story.finish()
            let (isGood, verdict) = try await story.judged(log)
            print("random kills (\(judge), seed \(seed)): \(rounds) rounds, \(story.summary); \(verdict)")
            if !isGood {
                let stories = try await story.stories(of: verdict)
                Issue.record("REVEILLE_TEST_SEED=\(seed): \(verdict)\n\(stories)")
            }
            #expect(story.kills >= rounds / 2)
        }
    }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Many lives of a daemon, most of them cut short.
struct KillStory {
    let stage: Stage
    let judge: Judge
    var random: Seeded
    private(set) var kills = 0
    private var killedWriters = 0
    private var cleanEnds = 0
    private var daemon: Program?
    private let book = RequestBook()

    init(stage: Stage, judge: Judge, random: Seeded) {
        self.stage = stage
        self.judge = judge
        self.random = random
    }

    var summary: String { "\(kills) daemons and \(killedWriters) writers killed, \(cleanEnds) clean ends" }

    /// The line of the log near which a life is cut.
    private enum Moment: CaseIterable {
        case start, ready, channel, sending, delivered, ended

        var event: String? {
            switch self {
            case .start: nil
            case .ready: "ready"
            case .channel: "channelChanged"
            case .sending: "deliverySending"
            case .delivered: "deliveryDelivered"
            case .ended: "wakeEnded"
            }
        }
    }

    private static let faults = [
        "lost-reply method=POST", "slow-reply method=POST delay_ms=60", "late-ready delay_ms=150", "reset-request method=POST",
        "drop-request method=POST", "garbage-reply method=POST", "status method=POST status=500",
        "rate-limit method=POST retry_after=0.05", "reconnect", "invalid-session when=resume",
    ]

    /// One life: faults, requests, and an end at a random moment.
    mutating func play(_ round: Int) async throws {
        if Int.random(in: 0..<3, using: &random) > 0 {
            stage.world.add(try LoopbackFault(Self.faults.randomElement(using: &random) ?? ""))
        }
        // Some requests meet the daemon, some a time without one.
        let isEarly = Bool.random(using: &random)
        if isEarly { try await ask(round) }
        let daemon = try start()
        if !isEarly { try await ask(round) }
        let moment = Moment.allCases.randomElement(using: &random) ?? .start
        let delay = Int.random(in: 0...30, using: &random)
        await Self.reach(moment.event, daemon, delay)
        daemon.signal(SIGKILL)
        if try await daemon.ended() == .killed { kills += 1 } else { cleanEnds += 1 }
    }

    private func start() throws -> Program {
        let daemon = try stage.start(
            ["daemon", "--set", "restart.loopStarts=0"] + (judge == .history ? ["--set", "delivery.nonceWindow=0s"] : []))
        daemon.feed()
        return daemon
    }

    /// Waits for the line, if it comes at all soon, and a little longer.
    private static func reach(_ event: String?, _ daemon: Program, _ milliseconds: Int) async {
        if let event {
            _ = try? await within(event, seconds: 1) {
                for await line in daemon.errors.stream() where line["event"] == event { return true }
                return true
            }
        }
        try? await someMoment(milliseconds: milliseconds)
    }

    /// Up to three requests at once, each for a session of its own; some writers are killed in the middle.
    private mutating func ask(_ round: Int) async throws {
        let count = Int.random(in: 1...3, using: &random)
        let sessions = Array(0..<6).shuffled(using: &random).prefix(count)
        var wishes: [(RequestBook.Wish, killAfter: Int?)] = []
        for session in sessions {
            let wish = RequestBook.Wish(
                id: "r\(round)-\(session)", session: session, isRestart: Int.random(in: 0..<3, using: &random) == 0,
                note: "note of round \(round) for session number \(session)")
            wishes.append((wish, Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 5...80, using: &random) : nil))
        }
        killedWriters += try await withThrowingTaskGroup(of: Int.self) { group in
            for (wish, killAfter) in wishes {
                group.addTask { [stage, book] in
                    book.asked(wish)
                    let writer = try stage.start(wish.arguments)
                    writer.feed()
                    if let killAfter {
                        try await someMoment(milliseconds: killAfter)
                        writer.signal(SIGKILL)
                    }
                    let end = try await writer.ended()
                    if end == .clean { book.promised(wish) }
                    return end == .killed ? 1 : 0
                }
            }
            return try await group.reduce(0, +)
        }
    }

    /// Faults stop; everything must come to its end.
    mutating func finish() async throws {
        try stage.world.perform(.clearFaults)
        // What was written during the last life fires with the next start: two are enough.
        for _ in 0..<2 {
            let daemon = try start()
            try await daemon.saw("ready")
            try await stage.quiet(daemon)
            try await stage.stop(daemon)
        }
        let check = try await stage.run("ledger", "check", "--json")
        #expect(check["sound"]?.bool == true, "\(check.out)")
    }

    /// What an operator would look at: the wakes that are left to him, and the whole story of these and of those in the verdict.
    func stories(of verdict: String) async throws -> String {
        let unresolved = try await stage.run("wake", "list", "--unresolved")
        var text = "wake list --unresolved:\n\(unresolved.out)\(unresolved.errors)"
        let notes = book.notes(namedIn: verdict)
        let all = try await stage.run("wake", "list", "--all", "--limit", "10000", "--json")
        for wake in all["wakes"]?.array ?? [] {
            let told = (wake["notes"]?.array ?? []).compactMap { $0["note"]?.string }
            let isUnresolved = (wake["deliveries"]?.array ?? []).contains { $0["state"]?.string == "unresolved" }
            guard let id = wake["id"]?.string, isUnresolved || !notes.isDisjoint(with: told) else { continue }
            let shown = try await stage.run("wake", "show", id)
            text += "\nwake show \(id):\n\(shown.out)\(shown.errors)"
        }
        return text
    }

    /// The judgement of a checker that shares no code with the product.
    func judged(_ log: String) async throws -> (Bool, String) {
        let requests = stage.folder + "/requests.jsonl"
        try stage.write(book.text, to: requests)
        let checker = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Support/history_checker.py").path
        let program = try Program(
            "/usr/bin/env", ["python3", checker, requests, log], environment: ProcessInfo.processInfo.environment, directory: "/")
        program.feed()
        let end = try await program.ended()
        return (end == .clean, await program.out.text() + (await program.errors.text()))
    }
}

/// What was asked for and what was promised, as the checker reads it.
final class RequestBook: Sendable {
    struct Wish: Sendable {
        let id: String
        let session: Int
        let isRestart: Bool
        let note: String

        // Two sessions share a channel, so that their order is seen to be their own.
        var channel: UInt64 { LoopbackOptions.defaultChannel + UInt64(session % 4) }
        var key: String { "agent:a\(session):discord:channel:\(channel)" }
        var arguments: [String] {
            (isRestart ? ["restart", "--delay", "0s"] : ["sentinel", "write"]) + ["--session", key, "--note", note]
        }
    }

    private let lines = Mutex<[JSONValue]>([])
    private let wishes = Mutex<[Wish]>([])

    var text: String { lines.withLock { $0.map { $0.text + "\n" }.joined() } }

    /// The notes of the requests that a verdict speaks of.
    func notes(namedIn verdict: String) -> Set<String> {
        let words = Set(verdict.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init))
        return Set(wishes.withLock { $0 }.filter { words.contains($0.id) || verdict.contains($0.note) }.map(\.note))
    }

    func asked(_ wish: Wish) {
        wishes.withLock { $0.append(wish) }
        add([
            "t": .integer(Self.now), "kind": "request", "id": .string(wish.id), "session": .string(wish.key),
            "channel": .string("\(wish.channel)"), "note": .string(wish.note),
        ])
    }

    func promised(_ wish: Wish) { add(["t": .integer(Self.now), "kind": "ack", "id": .string(wish.id)]) }

    private func add(_ line: JSONValue) { lines.withLock { $0.append(line) } }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}
