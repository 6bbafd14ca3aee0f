import DiscordLoopback
import Foundation

/// What the local Discord saw.
struct DiscordFact {
    let milliseconds: Int64
    let event: String
    let channel: String?
    let content: String?
    let id: String?

    init?(_ event: LoopbackEvent) {
        guard ["ready", "resumed", "message_created"].contains(event.name), let time = event["t"].flatMap({ Int64($0) }) else {
            return nil
        }
        milliseconds = time
        self.event = event.name
        channel = event["channel"]
        content = event["content"]
        id = event["id"]
    }
}

/// Draws what happened, so that one look tells the story, and judges it.
struct DemoTimeline {
    let facts: [DemoStage.Fact]
    let discord: [DiscordFact]

    private struct Row {
        let milliseconds: Int64
        let mark: String
        let what: String
        let detail: String
    }

    /// The time a fire-once timer waits after boot.
    private static let fireOnceMilliseconds: Int64 = 750

    /// Prints the timeline and the verdict.
    func draw() -> Bool {
        var rows = facts.compactMap(row)
        let ready = readyMilliseconds
        if let boot = bootMilliseconds {
            let time = boot + Self.fireOnceMilliseconds
            let isLost = ready.map { time < $0 } ?? true
            rows.append(
                Row(
                    milliseconds: time, mark: "✗", what: "fire-once timer",
                    detail: isLost ? "750 ms after boot: would have sent into the void" : "750 ms after boot: in time, by luck"))
        }
        rows.sort { $0.milliseconds < $1.milliseconds }
        guard let start = rows.first?.milliseconds else { return verdict(["nothing happened"]) }
        Printing.line("")
        for row in rows {
            let time = String(format: "%7.3f s", Double(row.milliseconds - start) / 1000)
            Printing.line("\(time)  \(row.mark) \(row.what.padding(toLength: 18, withPad: " ", startingAt: 0)) \(row.detail)")
        }
        drawAxis(rows, start)
        return verdict(faults)
    }

    /// When the last life of the daemon began.
    private var bootMilliseconds: Int64? {
        facts.last { if case .daemonStarted = $0.what { true } else { false } }?.milliseconds
    }

    private var readyMilliseconds: Int64? {
        guard let boot = bootMilliseconds else { return nil }
        return facts.first { fact in
            guard fact.milliseconds >= boot, case .log(let line) = fact.what else { return false }
            return line.event == "channelChanged" && line.reason == "ready"
        }?.milliseconds
    }

    private func row(_ fact: DemoStage.Fact) -> Row? {
        func row(_ mark: String, _ what: String, _ detail: String = "") -> Row {
            Row(milliseconds: fact.milliseconds, mark: mark, what: what, detail: detail)
        }
        switch fact.what {
        case .sentinelDurable(let id): return row("●", "sentinel durable", id)
        case .clientsClosed(let all, let reasoned, let told):
            return row("⏻", "clients", "\(reasoned) of \(all) closed with 1012 service restart, \(told) told before")
        case .daemonStarted(let pid): return row("▲", "boot", "daemon starts, pid \(pid)")
        case .daemonEnded(let killed): return row("▼", killed ? "kill -9" : "stop", killed ? "while the wake is held" : "")
        case .log(let line):
            switch line.event {
            case "sentinelRestarting": return row("↻", "restart", "its delay is over; the daemon stops cleanly")
            case "channelChanged" where line.reason == "ready": return row("◆", "READY", line.place ?? "")
            case "channelChanged" where isHolding(at: fact.milliseconds):
                return row("‖", "held", "(\(line.place ?? "?") \(line.reason ?? "?"))")
            case "deliverySending": return row("→", "attempt recorded", "then sent")
            case "deliveryDelivered": return row("★", "delivered", "receipt \(line.reason ?? "")")
            case "deliveryDead", "deliveryUnresolved": return row("✗", line.event, line.reason ?? "")
            default: return nil
            }
        }
    }

    private func isHolding(at milliseconds: Int64) -> Bool {
        let events = facts.filter { $0.milliseconds <= milliseconds }.compactMap {
            if case .log(let line) = $0.what { line.event } else { nil }
        }
        return events.contains("deliveryHeld") && !events.contains("deliverySending")
    }

    /// The last life of the daemon on one line: held, ready, delivered, and the timer.
    private func drawAxis(_ rows: [Row], _ start: Int64) {
        guard let boot = bootMilliseconds, let ready = readyMilliseconds,
            let delivered = rows.last(where: { $0.what == "delivered" })?.milliseconds, delivered > boot
        else { return }
        let width = 60
        let scale = { (time: Int64) in min(width, max(0, Int(Double(time - boot) / Double(delivered - boot) * Double(width)))) }
        let held = String(repeating: "░", count: scale(ready))
        let lead = String(repeating: " ", count: scale(boot + Self.fireOnceMilliseconds))
        Printing.line("")
        Printing.line("  boot ▲" + held + "◆ READY ★ delivered, \(delivered - ready) ms after READY")
        Printing.line(
            "       " + lead + "✗ a 750 ms timer fires here, \(max(0, ready - boot - Self.fireOnceMilliseconds)) ms too early")
        Printing.line("")
    }

    /// What is wrong; nothing if the demo went as it must.
    private var faults: [String] {
        guard !discord.isEmpty else {
            let delivered = facts.filter { if case .log(let line) = $0.what { line.event == "deliveryDelivered" } else { false } }
            return delivered.count == 1 ? [] : ["\(delivered.count) deliveries were acknowledged, not 1"]
        }
        var faults: [String] = []
        for case .clientsClosed(let all, let reasoned, let told) in facts.map(\.what) where reasoned != all || told != all {
            faults.append("\(all - reasoned) clients were closed without the reason, \(all - told) were not told before")
        }
        let messages = discord.filter { $0.event == "message_created" }
        if messages.count != 1 { faults.append("\(messages.count) messages arrived, not 1") }
        for message in messages {
            if message.content?.contains(DemoStage.note) != true { faults.append("the message does not hold the note") }
            if message.channel != String(LoopbackOptions.defaultThread) {
                faults.append("the message went to channel \(message.channel ?? "?")")
            }
            // Only the READY or RESUMED of the life that sent it counts.
            let isAfterReady = discord.contains {
                $0.event != "message_created" && $0.milliseconds >= (bootMilliseconds ?? .max)
                    && $0.milliseconds <= message.milliseconds
            }
            if !isAfterReady { faults.append("the message came before READY") }
        }
        return faults
    }

    private func verdict(_ faults: [String]) -> Bool {
        if faults.isEmpty {
            Printing.line("exactly one message arrived, after READY, with its note, in the right channel")
        }
        for fault in faults { Printing.line("WRONG: \(fault)") }
        return faults.isEmpty
    }
}
