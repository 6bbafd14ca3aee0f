import WakeCore
public import WakeService

/// What is wrong with how a unit is run. Pure.
public struct UnitJudgement: Hashable, Sendable {
    /// The unit's name.
    public var unit: String
    /// Whether it is a user's unit.
    public var isUserUnit: Bool
    /// What runs as it, in a sentence: `the gateway main`.
    public var content: String
    /// How long what runs as it takes to finish its work at a stop; nil: nothing is known of it.
    public var drain: Duration?

    /// Room between the end of the work and the moment of the kill.
    public static let drainMargin: Duration = .seconds(15)
    /// So many restarts by itself are a loop, where the present run is younger than ``loopWithin``.
    public static let loopRestarts: Int64 = 3
    /// See ``loopRestarts``.
    public static let loopWithin: Duration = .seconds(300)

    /// Makes a judgement of one unit.
    public init(unit: String, isUserUnit: Bool, content: String, drain: Duration? = nil) {
        self.unit = unit
        self.isUserUnit = isUserUnit
        self.content = content
        self.drain = drain
    }

    /// Everything that is wrong with it, or that nothing is.
    public func findings(_ look: UnitLook) -> [Finding] {
        switch look {
        case .unseen(let reason, let fix):
            return [.unknown("unit-unknown", unit, "\(unit) could not be looked at", reason: reason, fix: fix)]
        case .seen(let facts):
            guard facts.loadState == "loaded" else { return [missing(facts)] }
            let faults = [state(facts), loop(facts), stop(facts), killMode(facts), restart(facts), startLimit(facts)]
                .compactMap { $0 }
            return faults.isEmpty ? [.ok("unit-ok", unit, "\(unit) runs, and is set up to survive restarts")] : faults
        }
    }

    // MARK: How it runs

    private func missing(_ facts: UnitFacts) -> Finding {
        if facts.loadState == "masked" {
            return Finding(
                .error, "unit-masked", unit, "\(unit) is masked", meaning: "Nothing can start \(content).",
                fix: "\(manager) unmask \(unit)")
        }
        return .unknown(
            "unit-missing", unit, "there is no unit \(unit) to look at", reason: "systemd says '\(facts.loadState)'",
            fix: "If \(content) runs as another unit, name it in the configuration; '\(manager) list-units --all' lists them. If "
                + "another supervisor runs it, make sure that it starts \(content) again whenever it ends.")
    }

    private func state(_ facts: UnitFacts) -> Finding? {
        // Whoever is restarted by itself and ends as failed was given up on; its result mostly stays that of its last end.
        let isGivenUp = facts.activeState == "failed" && facts.automaticRestarts > 0 && facts.restart != "no"
        if facts.result == "start-limit-hit" || isGivenUp {
            return Finding(
                .error, "unit-stranded", unit, "systemd has given up on \(unit): it was started too often in a short time",
                evidence: "ActiveState=\(facts.activeState), Result=\(facts.result), NRestarts=\(facts.automaticRestarts)",
                meaning: "Nothing starts \(content) again by itself; everybody who waits for it waits in vain.",
                fix: "\(manager) reset-failed \(unit) && \(manager) start \(unit); "
                    + "'journalctl \(journal) -u \(unit)' tells why it ended.")
        }
        guard !["active", "reloading", "refreshing", "activating"].contains(facts.activeState) else { return nil }
        return Finding(
            facts.activeState == "failed" ? .error : .warning, "unit-down", unit, "\(unit) does not run",
            evidence: "ActiveState=\(facts.activeState), SubState=\(facts.subState), Result=\(facts.result)",
            meaning: "While \(content) is down, what is owed to its sessions is held.",
            fix: "\(manager) start \(unit); if it ends at once, 'journalctl \(journal) -u \(unit)' tells why.")
    }

    private func loop(_ facts: UnitFacts) -> Finding? {
        guard facts.automaticRestarts >= Self.loopRestarts else { return nil }
        let isYoung = facts.runningFor.map { $0 < Self.loopWithin } ?? (facts.subState == "auto-restart")
        guard isYoung else { return nil }
        let age = facts.runningFor.map { "this run is \(NoticeText.span($0)) old" } ?? "it waits for its next start"
        return Finding(
            .error, "unit-restart-loop", unit, "\(unit) is in a loop of restarts",
            evidence: "NRestarts=\(facts.automaticRestarts), and \(age)",
            meaning: "Each start cuts off the work of the one before; a channel is hardly ready before it is lost again.",
            fix:
                "'journalctl \(journal) -u \(unit) -n 200' tells why it ends. Stop it until that is mended: \(manager) stop \(unit)"
        )
    }

    // MARK: How it is set up

    private func stop(_ facts: UnitFacts) -> Finding? {
        guard let drain, let timeout = facts.stopTimeout, timeout < drain + Self.drainMargin else { return nil }
        let needed = (drain + Self.drainMargin).wholeMilliseconds / 1000
        return Finding(
            .warning, "unit-stop-too-short", unit, "\(unit) is killed before \(content) has finished its work",
            evidence: "TimeoutStopSec is \(NoticeText.span(timeout)); finishing may take \(NoticeText.span(drain)), and "
                + "\(NoticeText.span(Self.drainMargin)) to end",
            meaning: "At each restart, turns that are under way are cut off by SIGKILL, and replies that were written are lost.",
            fix: dropIn(["[Service]", "TimeoutStopSec=\(needed)"]))
    }

    private func killMode(_ facts: UnitFacts) -> Finding? {
        guard facts.killMode == "control-group" else { return nil }
        return Finding(
            .warning, "unit-kill-mode", unit, "a stop of \(unit) kills whatever it had started, at the same moment",
            evidence: "KillMode=control-group",
            meaning:
                "Commands that an agent runs, a restart that it asked for among them, die before \(content) has heard of the "
                + "stop; the agent sees them fail.",
            fix: dropIn(["[Service]", "KillMode=mixed"]))
    }

    private func restart(_ facts: UnitFacts) -> Finding? {
        guard facts.restart != "always" else { return nil }
        let isNever = facts.restart == "no" || facts.restart.isEmpty
        return Finding(
            isNever ? .error : .warning, "unit-no-restart", unit,
            isNever ? "\(unit) is not started again when it ends" : "\(unit) is not started again when it ends well",
            evidence: "Restart=\(facts.restart.isEmpty ? "no" : facts.restart)",
            meaning: "A restart that is carried out by ending is then a stop: \(content) stays away, and its sessions with it.",
            fix: dropIn(["[Service]", "Restart=always", "RestartSec=5"]))
    }

    /// The limit strands a unit if it can be reached by restarts that follow each other as fast as the unit allows.
    private func startLimit(_ facts: UnitFacts) -> Finding? {
        guard let interval = facts.startLimitInterval, interval > .zero, facts.startLimitBurst > 0 else { return nil }
        let delay = facts.restartDelay ?? .zero
        let least = delay * Int(clamping: facts.startLimitBurst)
        guard least < interval else { return nil }
        return Finding(
            .warning, "unit-start-limit", unit, "a few quick ends leave \(unit) stopped for good",
            evidence: "StartLimitBurst=\(facts.startLimitBurst) within \(NoticeText.span(interval)), RestartSec="
                + "\(delay.wholeMilliseconds) ms: the limit is reached after \(least.wholeMilliseconds) ms",
            meaning:
                "When it is reached, systemd gives up on \(content) until a person comes; restarts that were asked for count too.",
            fix: dropIn(["[Unit]", "StartLimitIntervalSec=0"]) + " (or a RestartSec of more than "
                + "\(interval.wholeMilliseconds / 1000 / max(1, facts.startLimitBurst)) s)")
    }

    // MARK: Words

    private var manager: String { isUserUnit ? "systemctl --user" : "systemctl" }
    private var journal: String { isUserUnit ? "--user" : "--system" }

    private func dropIn(_ lines: [String]) -> String {
        "\(manager) edit \(unit), with the lines \(lines.map { "'\($0)'" }.joined(separator: " and "))"
    }
}
