public import WakeCore
public import WakeService

/// What is wrong with a ledger and with the daemon that it tells of. Pure.
public struct LedgerJudgement: Sendable {
    /// The ledger's folder.
    public var folder: String
    /// What counts as a loop of restarts.
    public var loop: RestartLoop
    /// The time.
    public var now: Moment

    /// Below so much room somebody should look.
    public static let littleRoomBytes: Int64 = 256 << 20
    /// Below so much room the next restart may be refused.
    public static let noRoomBytes: Int64 = 16 << 20
    /// What is owed for longer than that is worth a look.
    public static let oldWake: Duration = .seconds(86_400)

    /// Makes a judgement of one ledger.
    public init(folder: String, loop: RestartLoop = RestartLoop(), now: Moment) {
        self.folder = folder
        self.loop = loop
        self.now = now
    }

    /// Everything that is wrong, or that nothing is.
    public func findings(_ look: LedgerLook) -> [Finding] {
        switch look {
        case .missing:
            return [
                .note(
                    "ledger-missing", folder, "there is no ledger yet",
                    meaning: "The daemon makes it at its first start; if it ran before, it ran with another ledger.",
                    fix: "reveille install, or: reveille daemon")
            ]
        case .foreign(let reason, let fix):
            return [.unknown("ledger-unknown", folder, "the ledger could not be looked at", reason: reason, fix: fix)]
        case .unusable(let error): return [unusable(error)]
        case .seen(let facts):
            let faults =
                [damage(facts), room(facts), volatile(facts), adoption(facts)].compactMap { $0 } + daemon(facts) + owed(facts)
            return faults.isEmpty ? [.ok("ledger-ok", folder, "the ledger is sound, and its daemon runs")] : faults
        }
    }

    // MARK: The ledger

    private func unusable(_ error: WakeError) -> Finding {
        Finding(
            .error, "ledger-unusable", folder, "the ledger can't be opened", evidence: error.description,
            meaning: "No restart can be announced, and nobody is woken.",
            fix: error.hint ?? "reveille ledger check --ledger '\(folder)' tells more.")
    }

    private func damage(_ facts: LedgerFacts) -> Finding? {
        guard !facts.report.problems.isEmpty else { return nil }
        return Finding(
            .error, "ledger-damaged", folder, "the ledger is damaged",
            evidence: facts.report.problems.prefix(3).joined(separator: "; "),
            meaning: "What is owed to sessions may be lost or sent twice; the daemon does not start with it.",
            fix:
                "Stop the daemon, move ledger.sqlite and ledger.sqlite-wal away (keep them), copy a backup in their place, then: "
                + "reveille ledger adopt")
    }

    private func room(_ facts: LedgerFacts) -> Finding? {
        guard let free = facts.report.freeBytes, free < Self.littleRoomBytes else { return nil }
        let isFull = free < Self.noRoomBytes
        return Finding(
            isFull ? .error : .warning, "disk-low", folder,
            isFull ? "the ledger's file system is full" : "the ledger's file system is nearly full",
            evidence: "\(free >> 20) MiB are left",
            meaning: "A sentinel that can't be written is refused, and no restart begins without one.",
            fix: "Make room on the file system of '\(folder)' (df -h '\(folder)'), or move the ledger: ledger.directory.")
    }

    private func volatile(_ facts: LedgerFacts) -> Finding? {
        guard let kind = facts.report.volatileKind else { return nil }
        return Finding(
            .warning, "ledger-volatile", folder, "the ledger does not survive a reboot", evidence: "it lies on \(kind)",
            meaning: "Whoever asks for a reboot is not woken after it.",
            fix: "Put it on a disk: ledger.directory in reveille.json5, such as /var/lib/reveille/ledger.")
    }

    private func adoption(_ facts: LedgerFacts) -> Finding? {
        guard let reason = facts.adoptionReason else { return nil }
        return Finding(
            .warning, "ledger-not-adopted", folder, "the ledger is a copy that nobody has taken over", evidence: reason,
            meaning: "What was owed in it is held, so that it is not sent twice.",
            fix: "Make sure that the original runs nowhere, stop the daemon, then: reveille ledger adopt")
    }

    // MARK: The daemon

    private func daemon(_ facts: LedgerFacts) -> [Finding] {
        guard let last = facts.starts.first else {
            return facts.daemon == nil ? [down(nil, facts)] : []
        }
        var findings = facts.daemon == nil ? [down(last, facts)] : []
        if age(of: last.started) <= loop.loopWithin, loop.isLooping(after: Array(facts.starts.dropFirst()), at: last.started) {
            findings.append(
                Finding(
                    .error, "daemon-restart-loop", "reveille", "the daemon is in a loop of restarts",
                    evidence: "\(loop.loopStarts) starts in a row were cut off within \(NoticeText.span(loop.loopWithin))",
                    meaning: "In a loop it delivers nothing, so that nobody is woken again and again.",
                    fix:
                        "'reveille ledger starts' lists its lives, 'journalctl -u reveille' tells how they ended. A clean stop and "
                        + "start ends the loop."))
        }
        return findings
    }

    private func down(_ last: StartRecord?, _ facts: LedgerFacts) -> Finding {
        let seen = last.map { last in
            let end = last.ended.map { "ended \(ago($0.at)): \($0.reason)" } ?? "was cut off; last seen \(ago(last.alive))"
            return "its last life began \(ago(last.started)), and \(end)"
        }
        return Finding(
            .error, "daemon-down", "reveille", "the daemon does not run", evidence: seen ?? "it never ran with this ledger",
            meaning: "Nobody is woken. Requests are taken all the same, and wait for it.",
            fix: "reveille install sets it up and starts it; without systemd: reveille daemon, under a supervisor.")
    }

    private func ago(_ moment: Moment) -> String { NoticeText.span(age(of: moment)) + " ago" }

    // MARK: What is owed

    private func owed(_ facts: LedgerFacts) -> [Finding] {
        guard let counts = facts.report.counts else { return [] }
        var findings: [Finding] = []
        if counts.unresolvedDeliveries > 0 {
            findings.append(
                Finding(
                    .warning, "wakes-unresolved", "reveille", "deliveries wait for a person's word",
                    evidence: "\(counts.unresolvedDeliveries) unresolved",
                    meaning: "Nobody can say whether they arrived, and sending again may send twice.",
                    fix: "reveille wake list --unresolved, then for each: reveille wake retry, mark-delivered or cancel"))
        }
        if let oldest = facts.oldestWake, case let age = age(of: oldest), age > Self.oldWake {
            findings.append(
                Finding(
                    .warning, "wakes-held-long", "reveille", "somebody has waited for a wake for more than a day",
                    evidence: "\(counts.liveWakes) wakes are open, the oldest for \(NoticeText.span(age))",
                    meaning:
                        "Its channel or place is not ready, and will hardly become so by itself; in the end the wake expires.",
                    fix: "reveille status says what each waits for."))
        }
        if counts.refusedRows > 0 {
            findings.append(
                .note(
                    "requests-refused", "reveille", "requests were set aside as unusable",
                    evidence: "\(counts.refusedRows) of them",
                    meaning: "Another version of the program may have written them.", fix: "reveille status --json counts them."))
        }
        return findings
    }

    private func age(of moment: Moment) -> Duration {
        now.elapsed(since: moment) ?? .milliseconds(max(0, now.wallMilliseconds - moment.wallMilliseconds))
    }
}

/// Looks at the ledger, and at what it tells of the daemon.
public struct LedgerDoctor: DoctorCheck {
    /// What it looks at.
    public var name: String { judgement.folder }
    private let judgement: LedgerJudgement
    private let look: @Sendable () async -> LedgerLook

    /// Makes a check.
    ///
    /// - Parameters:
    ///   - judgement: what is expected of the ledger.
    ///   - look: what it is, see ``LedgerLook/look(at:)``.
    public init(_ judgement: LedgerJudgement, look: @escaping @Sendable () async -> LedgerLook) {
        self.judgement = judgement
        self.look = look
    }

    /// See ``WakeService/DoctorCheck``.
    public func examine() async -> [Finding] { judgement.findings(await look()) }
}
