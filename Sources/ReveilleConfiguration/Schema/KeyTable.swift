/// Every key of the configuration. The one place to add one: all else follows from this table.
public enum KeyTable {
    /// Stands in a path for the name of an account.
    static let nameLabel = "<name>"
    /// Stands in a path for a pattern of session keys.
    static let patternLabel = "<pattern>"
    /// Stands in a path for a restart target.
    static let targetLabel = "<target>"
    /// Stands in a path for a channel that others report on.
    static let channelLabel = "<channel>"
    /// Stands in a path for the number of a user.
    static let userLabel = "<uid>"
    /// Stands in a path for the name of a gateway.
    static let gatewayLabel = "<gateway>"
    /// Stands in a path for the id of an agent.
    static let agentLabel = "<agent>"

    /// The keys in the order in which they are documented and shown.
    public static let keys: [KeyDescriptor] =
        ledger + discord + routes + restarts + deliveries + readiness + gateways + agents + work + hooks + control + logs

    private static let ledger: [KeyDescriptor] = [
        KeyDescriptor(
            "ledger.directory", .path,
            default: .found(
                "`$STATE_DIRECTORY`, else `/var/lib/reveille` (system) or `$XDG_STATE_HOME/reveille`, "
                    + "`~/.local/state/reveille` (user)"
            ),
            change: .daemonRestart, "Where the ledger lives; on a local file system, for the daemon and the command line alike."),
        KeyDescriptor(
            "ledger.retention", .duration(.days(1)...(.days(3_650))), default: .text("30d"), change: .daemonRestart,
            "How long ended wakes are kept before they are pruned."),
    ]

    private static let discord: [KeyDescriptor] = [
        KeyDescriptor(
            "discord.accounts.<name>.token", .secret, default: .found("see Tokens"), change: .channelRestart,
            "The bot token. Never in a file of this kind and never on the command line: see Tokens."),
        KeyDescriptor(
            "discord.accounts.<name>.tokenFile", .path, default: .none, change: .channelRestart,
            "A file with the bot token and nothing else, readable by the daemon's user alone."),
        KeyDescriptor(
            "discord.accounts.<name>.tokenEnvironment", .variableName, default: .none, change: .channelRestart,
            "The environment variable that holds the bot token, in place of `REVEILLE_DISCORD_TOKEN`."),
        KeyDescriptor(
            "discord.accounts.<name>.apiBase", .restAddress, default: .text("https://discord.com/api/v10"),
            change: .channelRestart,
            "The REST address; the token goes there."),
        KeyDescriptor(
            "discord.accounts.<name>.allowedMentions", .choices(["users", "roles", "everyone"]), default: .text(""),
            change: .channelRestart, "What a notice may ping. By default nobody, whatever the note says."),
    ]

    private static let routes: [KeyDescriptor] = [
        KeyDescriptor(
            "sessions.<pattern>.route", .route, default: .found("read from the session key"), change: .daemonRestart,
            "Where wakes of matching sessions go; `*` in the pattern stands for any text, the most specific pattern wins."),
        KeyDescriptor(
            "routes.fallback", .route, default: .none, change: .daemonRestart,
            "Where a wake goes whose session names no place of its own, such as `agent:main:main`."),
    ]

    private static let restarts: [KeyDescriptor] = [
        KeyDescriptor(
            "restart.defaultDelay", .duration(.zero...(.minutes(10))), default: .text("2s"), change: .nothing,
            "From a restart request to the restart, where the request names no delay."),
        KeyDescriptor(
            "restart.maxLate", .duration(.zero...(.hours(24))), default: .text("5min"), change: .daemonRestart,
            "How late a scheduled restart may still be carried out."),
        KeyDescriptor(
            "restart.cooldown", .duration(.zero...(.minutes(10))), default: .text("30s"), change: .daemonRestart,
            "The least time from one restart of the daemon by a change of its configuration to the next."),
        KeyDescriptor(
            "restart.drain", .duration(.zero...(.minutes(60))), default: .text("60s"), change: .daemonRestart,
            "How long a reboot that we perform waits for running turns of agents that are commands; not for those of the session that asks."
        ),
        KeyDescriptor(
            "restart.loopStarts", .integer(0...100), default: .text("3"), change: .daemonRestart,
            "A daemon that began this often after a crash starts its control plane alone, and its channels once that time is over; 0: never."
        ),
        KeyDescriptor(
            "restart.loopWithin", .duration(.seconds(10)...(.hours(24))), default: .text("5min"), change: .daemonRestart,
            "The time in which those starts are counted."),
        KeyDescriptor(
            "target.settle", .duration(.zero...(.minutes(10))), default: .text("5s"), change: .daemonRestart,
            "How long a target must have been up before a restart counts as done."),
        KeyDescriptor(
            "sentinel.lifetimeOwn", .duration(.minutes(1)...(.hours(24))), default: .text("10min"), change: .daemonRestart,
            "How long past its delay an unfired sentinel lives when Reveille performs the restart."),
        KeyDescriptor(
            "sentinel.lifetimeObserved", .duration(.minutes(1)...(.days(7))), default: .text("24h"), change: .daemonRestart,
            "The same when someone else performs the restart."),
        KeyDescriptor(
            "wake.holdFor", .duration(.minutes(1)...(.days(30))), default: .text("7d"), change: .daemonRestart,
            "How long a wake waits for its channel before it expires."),
    ]

    private static let deliveries: [KeyDescriptor] = [
        KeyDescriptor(
            "delivery.backoffBase", .duration(.milliseconds(10)...(.minutes(1))), default: .text("250ms"), change: .daemonRestart,
            "The longest wait after a first failed attempt; the wait itself is random below it."),
        KeyDescriptor(
            "delivery.backoffFactor", .number(1...10), default: .text("2"), change: .daemonRestart,
            "What each further failure multiplies that wait by."),
        KeyDescriptor(
            "delivery.backoffCap", .duration(.seconds(1)...(.hours(1))), default: .text("60s"), change: .daemonRestart,
            "The longest wait between two attempts, unless the far side asks for more."),
        KeyDescriptor(
            "delivery.budget", .duration(.minutes(1)...(.days(30))), default: .text("24h"), change: .daemonRestart,
            "How long a delivery is tried, counting only time with its gate open."),
        KeyDescriptor(
            "delivery.noticePolicy", .choice(["prefer-delivery", "prefer-once"]), default: .text("prefer-delivery"),
            change: .daemonRestart,
            "What to do with a notice whose fate is unclear and can't be asked: send again, marked as a repeat, or hold it."),
        KeyDescriptor(
            "delivery.turnPolicy", .choice(["prefer-delivery", "prefer-once"]), default: .text("prefer-once"),
            change: .daemonRestart, "The same for turns."),
        KeyDescriptor(
            "delivery.nonceWindow", .duration(.zero...(.seconds(120))), default: .text("120s"), change: .daemonRestart,
            "How long Discord is trusted to recognise a repeated nonce; after that, history decides."),
        KeyDescriptor(
            "gate.escalateAfter", .duration(.seconds(10)...(.days(7))), default: .text("10min"), change: .daemonRestart,
            "How long a gate may stay shut before it is said everywhere."),
        KeyDescriptor(
            "gate.fallback", .route, default: .none, change: .daemonRestart,
            "Where a notice goes whose gate stayed shut that long. Without it, the notice is held."),
        KeyDescriptor(
            "loopGuard.wakes", .integer(1...100), default: .text("3"), change: .daemonRestart,
            "A session that its own restarts woke this often gets no further turn without the operator."),
        KeyDescriptor(
            "loopGuard.within", .duration(.minutes(1)...(.hours(24))), default: .text("10min"), change: .daemonRestart,
            "The time in which those wakes are counted."),
    ]

    private static let readiness: [KeyDescriptor] = [
        KeyDescriptor(
            "watch.<target>.sessions", .list(.sessions), default: .none, change: .daemonRestart,
            "Who is woken when that target restarts or fails and nobody announced it: session keys that name a place, or have a route."
        ),
        KeyDescriptor(
            "watch.<target>.note", .note, default: .found("look where the work stood, and go on"), change: .daemonRestart,
            "What they are told."),
        KeyDescriptor(
            "channels.<channel>.reporters", .list(.reporters), default: .none, change: .daemonRestart,
            "Who may report over the notify socket how that channel is: units of the service manager that ours is a service of, or users by number."
        ),
        KeyDescriptor(
            "channels.downGrace", .duration(.zero...(.hours(1))), default: .text("60s"), change: .daemonRestart,
            "How long a channel may be down before its `reveille-channel@` unit is stopped, and with it what is bound to that."),
        KeyDescriptor(
            "notify.socket", .path, default: .none, change: .daemonRestart,
            "Where to open the notify socket if no service manager hands one in; without it there is none."),
        KeyDescriptor(
            "daemon.readyWhen", .list(.channels), default: .none, change: .daemonRestart,
            "The service manager hears that the daemon is ready only when these channels are too. Never one whose owner starts after it."
        ),
    ]

    private static let control: [KeyDescriptor] = [
        KeyDescriptor(
            "control.token", .secret, default: .found("see Tokens"), change: .daemonRestart,
            "The token of the control plane. Never in a file of this kind and never on the command line: see Tokens."),
        KeyDescriptor(
            "control.tokenFile", .path, default: .none, change: .daemonRestart,
            "A file with the token of the control plane and nothing else, readable by the daemon's user alone."),
        KeyDescriptor(
            "control.tokenEnvironment", .variableName, default: .none, change: .daemonRestart,
            "The environment variable that holds that token, in place of `REVEILLE_CONTROL_TOKEN`."),
        KeyDescriptor(
            "control.port", .integer(0...65_535), default: .text("18790"), change: .daemonRestart,
            "The port on 127.0.0.1 where the daemon itself listens if no service manager hands it a socket; 0 is none."),
        KeyDescriptor(
            "control.socket", .path,
            default: .found("`$RUNTIME_DIRECTORY/control.sock`, else `$XDG_RUNTIME_DIR/reveille/control.sock`, else none"),
            change: .daemonRestart, "The Unix socket of the control plane."),
        KeyDescriptor(
            "control.allowedOrigins", .list(.origins), default: .none, change: .daemonRestart,
            "From which web pages a browser may connect; without it, from none."),
        KeyDescriptor(
            "control.peers.<uid>.scopes", .choices(Configuration.Control.scopes), default: .none, change: .daemonRestart,
            "What a user of this machine may do over the Unix socket."),
        KeyDescriptor(
            "control.peers.<uid>.sessions", .list(.patterns), default: .none, change: .daemonRestart,
            "The session keys that such a user may use, with `*` for any text; without it, all."),
    ]

    private static let logs: [KeyDescriptor] = [
        KeyDescriptor(
            "log.level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: .text("info"),
            change: .reload, "The least important lines that are still written."),
        KeyDescriptor(
            "log.format", .choice(["auto", "text", "json"]), default: .text("auto"), change: .daemonRestart,
            "The form of a line; `auto` means text on a terminal and JSON elsewhere."),
    ]
}

extension Duration {
    static func minutes(_ count: Int64) -> Duration { .seconds(count * 60) }
    static func hours(_ count: Int64) -> Duration { .seconds(count * 3_600) }
    static func days(_ count: Int64) -> Duration { .seconds(count * 86_400) }
}
