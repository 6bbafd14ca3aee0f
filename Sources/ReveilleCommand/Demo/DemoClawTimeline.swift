import DiscordLoopback
import Foundation
import OpenClawLoopback
import WakeCore

/// Draws one act beside a gateway, and judges it.
struct DemoClawTimeline {
    let generation: OpenClawOptions.Generation
    let session: String
    let daemon: [DemoStage.Fact]
    let gateway: [OpenClawEvent]
    let discord: [LoopbackEvent]

    private struct Row {
        let milliseconds: Int64
        let who: String
        let what: String
    }

    /// Prints the timeline and the verdict.
    func draw() -> Bool {
        let rows = (gateway.compactMap(row) + daemon.compactMap(row)).sorted { $0.milliseconds < $1.milliseconds }
        // What came before the patch is of no interest.
        let start = gateway.first { $0.name == "sentinel_written" }.flatMap(time) ?? rows.first?.milliseconds ?? 0
        Printing.line("")
        Printing.line("OpenClaw \(generation.version): an agent calls config.patch with its session and a note")
        Printing.line("")
        for row in rows where row.milliseconds >= start {
            let time = String(format: "%7.3f s", Double(row.milliseconds - start) / 1000)
            Printing.line("\(time)  \(row.who.padding(toLength: 9, withPad: " ", startingAt: 0)) \(row.what)")
        }
        Printing.line("")
        let faults = faults
        for fault in faults { Printing.line("WRONG: \(fault)") }
        if faults.isEmpty {
            Printing.line(
                wokenByUs
                    ? "one notice and one turn, in the right session: the gateway's own ping was lost, Reveille's was not"
                    : "one notice and one turn, in the right session: the gateway did it itself, so Reveille did nothing")
        }
        return faults.isEmpty
    }

    private func time(_ event: OpenClawEvent) -> Int64? { event["t"].flatMap { Int64($0) } }

    private func row(_ event: OpenClawEvent) -> Row? {
        guard let milliseconds = time(event) else { return nil }
        let what: String
        switch event.name {
        case "sentinel_written": what = "● writes its sentinel, and restarts in 1 s"
        case "life_end": what = "▼ ends (\(event["cause"] ?? "?"))"
        case "life": what = "▲ starts; its Discord is ready in \(DemoClaw.readyAfter.components.seconds) s"
        case "sentinel_consumed": what = "takes its sentinel: \(event["outcome"] ?? "?")"
        case "send_lost" where event["attempt"].map { $0 == "1" } ?? true:
            what = "✗ its \(event["source"] ?? "ping") is lost: Discord is not ready"
        case "send_posted" where event["source"] != "agent":
            what = event["source"] == "send" ? "posts for Reveille" : "★ its own \(event["source"] ?? "ping") arrives"
        case "discord_ready": what = "◆ Discord is ready"
        case "turn": what = event["source"] == "agent" ? "→ the agent gets its turn, with the note" : "★ wakes the agent itself"
        default: return nil
        }
        return Row(milliseconds: milliseconds, who: "gateway", what: what)
    }

    private func row(_ fact: DemoStage.Fact) -> Row? {
        guard case .log(let line) = fact.what else { return nil }
        let what: String
        switch line.event {
        case "sentinelArmed": what = "● the gateway's sentinel is taken up, durably"
        case "sentinelFired": what = "↻ the gateway is in a new life"
        case "deliveryHeld": what = "‖ held: \(line.reason ?? "")"
        case "deliveryLeft": what = "… \(line.reason ?? "")"
        case "deliverySending": what = "→ attempt recorded, then sent"
        case "deliveryDelivered": what = "★ done: \(line.reason ?? "")"
        default: return nil
        }
        return Row(milliseconds: fact.milliseconds, who: "reveille", what: what)
    }

    // MARK: The verdict

    private var posted: [OpenClawEvent] { gateway.filter { $0.name == "send_posted" && $0["source"] != "agent" } }
    private var turns: [OpenClawEvent] { gateway.filter { $0.name == "turn" } }
    private var wokenByUs: Bool { turns.contains { $0["source"] == "agent" } }

    private var faults: [String] {
        var faults: [String] = []
        if posted.count != 1 { faults.append("\(posted.count) notices are in the channel, not 1") }
        if posted.contains(where: { $0["text"]?.contains(DemoClaw.note) != true }) { faults.append("the notice lacks the note") }
        if turns.count != 1 { faults.append("the agent got \(turns.count) turns, not 1") }
        if turns.contains(where: { $0["session"] != session }) { faults.append("another session was woken") }
        if wokenByUs != (generation == .march2026) { faults.append("the wrong one of the two woke the agent") }
        if discord.contains(where: { $0.name == "identify" || $0.name == "resume" }) {
            faults.append("a session was opened on the bot's token, which is the gateway's")
        }
        return faults
    }
}
