internal import WakeCore

extension KeyTable {
    /// The keys of hooks: what runs before a restart, and after a wake.
    static let hooks: [KeyDescriptor] = [
        KeyDescriptor(
            "hooks.directory", .path,
            default: .found("`/etc/reveille` (system) or `$XDG_CONFIG_HOME/reveille`, `~/.config/reveille` (user)"),
            change: .daemonRestart, "The folder whose `pre-restart.d` and `post-wake.d` hold executables that are run."),
        KeyDescriptor(
            "hooks.preRestartLimit", .duration(.seconds(1)...(.minutes(10))), default: .text("30s"), change: .daemonRestart,
            "How long those in `pre-restart.d` may take together before a restart that Reveille performs; then they are ended."),
        KeyDescriptor(
            "hooks.onFailure", .choice(["warn", "refuse"]), default: .text("warn"), change: .daemonRestart,
            "What a failure in `pre-restart.d` does: `warn` restarts all the same, `refuse` does not, and the session is told why."
        ),
        KeyDescriptor(
            "hooks.postWakeLimit", .duration(.seconds(1)...(.minutes(60))), default: .text("60s"), change: .daemonRestart,
            "How long those in `post-wake.d` may take together after a wake; nothing waits for them."),
    ]
}
