import OpenClawFacts
public import WakeService

/// What is wrong with a gateway, as far as it tells itself. Pure.
public struct GatewayJudgement: Sendable {
    /// The gateway's name in our configuration.
    public var gateway: String
    /// Where it listens.
    public var address: String
    /// Whether we look after restarts that it was asked for itself (`adopt`).
    public var adoptsRestarts: Bool

    /// Makes a judgement of one gateway.
    public init(gateway: String, address: String, adoptsRestarts: Bool) {
        self.gateway = gateway
        self.address = address
        self.adoptsRestarts = adoptsRestarts
    }

    /// Everything that is wrong, or that nothing is.
    public func findings(_ look: GatewayLook) -> [Finding] {
        switch look {
        case .absent(let reason): return [absent(reason)]
        case .refused(let reason): return [refused(reason)]
        case .noToken(let reason, let fix):
            return [.unknown("gateway-unknown", subject, "the gateway \(gateway) could not be asked", reason: reason, fix: fix)]
        case .unclear(let reason):
            return [
                .unknown(
                    "gateway-unknown", subject, "the gateway \(gateway) gave no answer that can be used",
                    reason: "\(address): \(reason)",
                    fix:
                        "If it is only starting, ask again in a minute; else look at its log, and at gateways.\(gateway).address."
                )
            ]
        case .seen(let facts):
            let faults = version(facts) + [scopes(facts), refusal(facts)].compactMap { $0 } + channels(facts)
            let ok = Finding.ok(
                "gateway-ok", subject, "the gateway \(gateway) answers", evidence: "version \(facts.versionText), \(address)")
            return faults.contains { $0.severity >= .unknown } ? faults : [ok] + faults
        }
    }

    private var subject: String { "gateway:\(gateway)" }

    // MARK: Whether it answers

    private func absent(_ reason: String) -> Finding {
        Finding(
            .error, "gateway-down", subject, "the gateway \(gateway) is not there", evidence: "\(address): \(reason)",
            meaning: "Wakes of its sessions are held until it is back.",
            fix:
                "openclaw gateway status on its machine tells more; if it listens elsewhere, correct gateways.\(gateway).address."
        )
    }

    private func refused(_ reason: String) -> Finding {
        Finding(
            .error, "gateway-refuses", subject, "the gateway \(gateway) does not let us in", evidence: "\(address): \(reason)",
            meaning: "Without it nobody knows whether its channels are ready, and no turn can be handed over.",
            fix:
                "Give reveille the gateway's own token: gateways.\(gateway).tokenFile, or gateways.\(gateway).tokenFrom: \"gateway\"; "
                + "with identity \"device\", approve the device: openclaw devices list.")
    }

    // MARK: What its version does

    private func version(_ facts: GatewayFacts) -> [Finding] {
        guard let version = facts.version else {
            return [
                .unknown(
                    "gateway-version-unknown", subject, "the version of the gateway \(gateway) is not known",
                    reason: "it calls itself '\(facts.versionText)'",
                    fix:
                        "Nothing is needed: what is not known is taken for the careful case. A released version tells its number."
                )
            ]
        }
        let habits = GatewayHabits(of: version)
        return [habits.pingsOnce ? pingsOnce(version) : nil, habits.losesCoalescedContinuations ? loses(version) : nil]
            .compactMap { $0 }
    }

    private func pingsOnce(_ version: GatewayVersion) -> Finding {
        let summary = "the gateway's own ping is one send, 750 ms after its start, whether its channel is ready or not"
        if adoptsRestarts {
            return .note(
                "gateway-pings-once", subject, summary, evidence: "version \(version), before 2026.4",
                meaning: "It is mostly lost. Reveille wakes the session then, when the channel can hear it.",
                fix: "openclaw update brings a version that tries again.")
        }
        return Finding(
            .warning, "gateway-pings-once", subject, summary, evidence: "version \(version), before 2026.4; adopt is \"off\"",
            meaning: "It is mostly lost, and nobody goes on after a restart that the gateway was asked for.",
            fix: "Set gateways.\(gateway).adopt to \"net\", so that Reveille wakes the session; or bring the gateway up to date: "
                + "openclaw update.")
    }

    private func loses(_ version: GatewayVersion) -> Finding {
        Finding(
            .warning, "gateway-loses-continuations", subject,
            "of two restarts that become one, the gateway forgets what the second session wanted to go on with",
            evidence: "version \(version), before 2026.6",
            meaning: "An agent is told that its restart was accepted, and is not woken after it.",
            fix:
                "Before a restart let each session write 'reveille sentinel write --target gateway:\(gateway) --session … --note …'; or "
                + "bring the gateway up to date: openclaw update.")
    }

    // MARK: What it tells

    private func scopes(_ facts: GatewayFacts) -> Finding? {
        let missing = ["operator.read", "operator.write"].filter { scope in
            !facts.scopes.contains(scope) && !facts.scopes.contains("operator.admin")
                && !(scope == "operator.read" && facts.scopes.contains("operator.write"))
        }
        guard !missing.isEmpty else { return nil }
        return Finding(
            .error, "gateway-scope-missing", subject, "the gateway \(gateway) lets us in, and do nothing",
            evidence: "missing: \(missing.joined(separator: ", "))",
            meaning: "We can't ask for its channels, or hand over turns.",
            fix:
                "On the gateway's own machine use identity \"backend\" with its token and an address of this machine (127.0.0.1); "
                + "elsewhere use identity \"device\", and approve the device with these scopes.")
    }

    private func refusal(_ facts: GatewayFacts) -> Finding? {
        facts.refusal.map {
            .unknown(
                "gateway-tells-less", subject, "the gateway \(gateway) did not tell everything", reason: $0,
                fix: "If it is only starting, ask again in a minute; else look at its log.")
        }
    }

    private func channels(_ facts: GatewayFacts) -> [Finding] {
        guard let status = facts.status else { return [] }
        let shut: [Finding] = status.accounts.compactMap { account in
            // What a person switched off is as they want it.
            guard account.isEnabled != false, account.isConfigured != false, case .notReady(let reason) = account.verdict else {
                return nil
            }
            return Finding(
                .warning, "gateway-channel-not-ready", "\(subject)/\(account.transport):\(account.id)",
                "the gateway says that this channel can't be talked through now", evidence: reason,
                meaning: "Wakes over it are held until it is.",
                fix: "If it does not come back by itself: reveille call channels.start --params "
                    + "'{channel: \"\(account.transport)\", accountId: \"\(account.id)\"}' --url \(address) --token-file FILE")
        }
        return shut
            + status.warnings.map { .note("gateway-warns", subject, "the gateway warns of something itself", evidence: $0) }
    }
}

/// Looks at a gateway.
public struct GatewayDoctor: DoctorCheck {
    /// The gateway.
    public var name: String { "gateway:\(judgement.gateway)" }
    private let judgement: GatewayJudgement
    private let look: @Sendable () async -> GatewayLook

    /// Makes a check.
    ///
    /// - Parameters:
    ///   - judgement: which gateway.
    ///   - look: what it tells, see ``GatewayLook/look(at:_:_:moments:)``.
    public init(_ judgement: GatewayJudgement, look: @escaping @Sendable () async -> GatewayLook) {
        self.judgement = judgement
        self.look = look
    }

    /// See ``WakeService/DoctorCheck``.
    public func examine() async -> [Finding] { judgement.findings(await look()) }
}
