import WakeCore

extension DiscordGate {
    /// The authors of direct messages who are listed; older configurations list them in `dm.allowFrom`.
    private var allowFrom: Setting? { setting("allowFrom") ?? setting("dm", "allowFrom") }

    func dropOfDirect(from author: String, paired: Set<String>) -> DiscordDrop? {
        let policy = setting("dmPolicy") ?? setting("dm", "policy")
        let policyPath = policy?.path ?? Self.rootPath + ["dmPolicy"]
        if let enabled = setting("dm", "enabled"), enabled.value.bool == false {
            return DiscordDrop(.directOff, "direct messages are switched off", path: enabled.path, fix: "Set it to true.")
        }
        if directPolicy == .disabled {
            return DiscordDrop(
                .directOff, "direct messages are switched off", path: policyPath, fix: "Set it to \"pairing\" or \"allowlist\".")
        }
        let allowed = DiscordIDList(allowFrom?.value)
        let path = allowFrom?.path ?? Self.rootPath + ["allowFrom"]
        if allowed.contains(author) { return nil }
        switch directPolicy {
        case .open:
            return DiscordDrop(
                .openWithoutStar, "direct messages are open, and allowFrom lacks the \"*\" that this takes", path: path,
                fix: "Add \"*\" to it.")
        case .pairing:
            if paired.contains(author) { return nil }
            return DiscordDrop(
                .notPaired, "the author \(author) is neither paired nor listed", path: path,
                fix: "Approve the author's pairing code, or add \"\(author)\" to it.")
        case .allowlist, .disabled:
            return DiscordDrop(
                .directNotListed, "the author \(author) is not listed", path: path, fix: "Add \"\(author)\" to it.")
        }
    }
}
