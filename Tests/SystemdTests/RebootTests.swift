import DiscordLoopback
import Foundation
import Synchronization
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Reboots", .box("reboots"))
    struct Reboots {
        /// How the machine goes down.
        private enum End: CaseIterable {
            case clean, ours, force, crash, powerCut

            static let plan: [End] = [
                .clean, .force, .ours, .crash, .clean, .powerCut, .clean, .crash, .ours, .powerCut,
                .clean, .force, .clean, .powerCut, .ours, .crash, .clean, .force, .ours, .powerCut,
            ]
        }

        /// How late Discord is after each, in milliseconds.
        private static let lateness = [
            0, 500, 12_000, 0, 2000, 0, 1000, 4000, 0, 0, 3000, 0, 30_000, 0, 500, 0, 5000, 1000, 0, 0,
        ]

        @Test("through 20 reboots, clean, forced, crashed and cut off, with Discord late, each acknowledged wake is visible once")
        func reboots() async throws {
            let box = try Box.own()
            try await box.shell(
                "cp /usr/local/share/reveille/may-reboot.rules /etc/polkit-1/rules.d/50-reveille-may-reboot.rules")
            try await box.verb("flush")
            let book = RequestBook()
            var bootIDs: Set<String> = []
            var latencies: [Int] = []
            for (round, end) in End.plan.enumerated() {
                bootIDs.insert(try await box.shell("cat /proc/sys/kernel/random/boot_id"))
                if Self.lateness[round] > 0 { box.world.add(try LoopbackFault("late-ready delay_ms=\(Self.lateness[round])")) }
                let (first, second) = (UInt64(round % 4), UInt64(4 + round % 4))
                try await book.ask(box, ["sentinel", "write"], first, "written before reboot \(round)")
                // A restart that the end of the machine overtakes: the daemon's next start is the restart.
                try await book.ask(box, ["restart", "--delay", "1min"], second, "announced before reboot \(round)")
                let before = try await box.verb("boot").text
                switch end {
                case .clean: try await box.verb("reboot")
                case .ours:
                    try await book.ask(box, ["reboot", "--delay", "0s"], first, "rebooted by ourselves in round \(round)")
                    try await box.verb("await", before)
                case .force: try await box.verb("reboot", "--force")
                case .crash: try await box.verb("crash")
                case .powerCut: try await box.verb("powercut")
                }
                try await box.sees("ActiveState") { $0 == "active" }
                try await box.message("written before reboot \(round)")
                try await box.quiet()
                let open = try await box.reveille(["sentinel", "list", "--json"])
                #expect(open.json?["sentinels"]?.array?.isEmpty == true, "\(round), \(end): \(open.out)")
                let (isGood, verdict) = try await book.judged(box)
                #expect(isGood, "after reboot \(round) (\(end)): \(verdict)")
                if let latency = box.latency(of: "written before reboot \(round)") { latencies.append(latency) }
            }
            #expect(bootIDs.count == End.plan.count)
            print("SystemdTests: 20 reboots: \(try await book.judged(box).1); channel ready to message: \(latencies.sorted()) ms")
        }

        @Test(
            "a machine that goes down while a message is being sent sends it once, whether or not it had arrived",
            arguments: [("slow-reply method=POST delay_ms=20000", "reboot"), ("hang-request method=POST", "crash")])
        func sending(_ fault: String, _ end: String) async throws {
            let box = try Box.own()
            let note = "sent while the machine went down by a \(end)"
            try await box.ask("sentinel", "write", note: note, session: Box.session(7))
            box.world.add(try LoopbackFault(fault))
            let mark = box.journalMark()
            try await box.shell("systemctl restart reveille")
            try await box.journal("REVEILLE_EVENT=deliverySending", after: mark)
            try await box.discord("fault") { $0.line.contains(fault.prefix { $0 != " " }) }
            try await box.verb(end)
            try await box.isDeliveredOnce(note)
        }

        @Test("a shutdown that others begin is held by a delay lock until open sentinels are on disk")
        func delayLock() async throws {
            let box = try Box.own()
            try await box.eventually("the lock", { try await box.exec("systemd-inhibit", "--list", "--no-legend").out }) {
                $0.contains("Reveille") && $0.contains("shutdown") && $0.contains("delay")
            }
            let sentinel = try await box.ask("sentinel", "write", note: "open at the shutdown")
            try await box.verb("reboot")
            try await box.isDeliveredOnce("open at the shutdown")
            let shown = try await box.reveille(["sentinel", "show", sentinel, "--json"])
            #expect(shown.json?["state"]?.string == "fired")
            let last = try await box.exec("journalctl", "-b", "-1", "-q", "-o", "cat", "_SYSTEMD_UNIT=reveille.service")
            #expect(last.out.contains("a shutdown was held until all was on disk"), "\(last.out.suffix(2000))")
        }
    }
}

/// What was asked for and what was promised, as the checker reads it.
final class RequestBook: Sendable {
    private let lines = Mutex<[JSONValue]>([])

    func ask(_ box: Box, _ arguments: [String], _ session: UInt64, _ note: String) async throws {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let id = "\(lines.withLock { $0.count })"
        lines.withLock {
            $0.append([
                "t": .integer(now), "kind": "request", "id": .string(id), "session": .string(Box.session(session)),
                "channel": .string("\(Box.channel + session)"), "note": .string(note),
            ])
        }
        let reply = try await box.reveille(arguments + ["--session", Box.session(session), "--note", note])
        guard reply.code == 0 else { throw Missed(description: "\(reply)") }
        lines.withLock { $0.append(["t": .integer(now), "kind": "ack", "id": .string(id)]) }
    }

    /// The judgement of a checker that shares no code with the product.
    func judged(_ box: Box) async throws -> (Bool, String) {
        let requests = box.folder + "/requests.jsonl"
        let text = lines.withLock { $0.map { $0.text + "\n" }.joined() }
        try Data(text.utf8).write(to: URL(filePath: requests))
        let reply = try await Tool.run("/usr/bin/python3", [Box.checker, requests, box.discordLog])
        return (reply.code == 0, reply.out + reply.errors)
    }
}

extension Box {
    /// From the last READY or RESUMED before it to the message, in milliseconds.
    func latency(of note: String) -> Int? {
        let events = world.log.events
        guard let message = events.first(where: { $0.name == "message_created" && $0["content"]?.contains(note) == true }),
            let ready = events.last(where: { $0.number < message.number && ["ready", "resumed"].contains($0.name) }),
            let (start, end) = ready["t"].flatMap({ Int($0) }).flatMap({ s in message["t"].flatMap { Int($0) }.map { (s, $0) } })
        else { return nil }
        return end - start
    }
}
