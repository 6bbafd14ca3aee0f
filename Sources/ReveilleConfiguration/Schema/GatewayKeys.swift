extension KeyTable {
    /// The keys of gateways that Reveille stands beside: `gateways.<gateway>.…`.
    static let gateways: [KeyDescriptor] = [
        key(
            "address", .gatewayAddress, default: .text("ws://127.0.0.1:18789"),
            "Where the gateway listens; its token goes there."),
        key(
            "stateDirectory", .path, default: .found("`$OPENCLAW_STATE_DIR`, else `~/.openclaw`"),
            "The gateway's state directory, where its restart sentinel and its configuration lie."),
        key(
            "configFile", .path, default: .found("`openclaw.json` in the state directory"), "The gateway's own configuration."),
        key(
            "tokenFrom", .choice(["own", "gateway"]), default: .text("own"),
            "`gateway`: its token (or password) may be read from its own configuration; `own`: only from the keys below."),
        key(
            "tokenFile", .path, default: .none,
            "A file with the gateway's token and nothing else, readable by the daemon's user alone."),
        key(
            "tokenEnvironment", .variableName, default: .none, "The environment variable that holds the gateway's token."),
        key(
            "identity", .choice(["backend", "device"]), default: .text("backend"),
            "`backend`: a program on the gateway's own machine, with its token; `device`: a key of our own, which the gateway pairs."
        ),
        key(
            "certificateFile", .path, default: .none,
            "A PEM file with the certificate that a `wss://` gateway shows, where no authority vouches for it."),
        key(
            "discordTokenFrom", .choice(["none", "gateway"]), default: .text("none"),
            "`gateway`: the bot token in its configuration may be used to read over REST; never to open a session."),
        key(
            "discordTokenFile", .path, default: .none,
            "A file with the gateway's bot token, for the same: reads over REST as a second witness."),
        key(
            "discordApiBase", .restAddress, default: .text("https://discord.com/api/v10"), "The REST address for those reads."),
        key(
            "unit", .unitName, default: .text("openclaw-gateway.service"),
            "The unit that the gateway runs as, for `reveille doctor`; from a user's service `system/NAME` is a unit of the system."
        ),
        key(
            "adopt", .choice(["off", "net", "own"]), default: .text("net"),
            "Restarts that the gateway was asked for itself: `net` wakes where its own ping did not arrive, `own` in its place."),
        key(
            "resume", .choice(["off", "on"]), default: .text("on"),
            "Whether sessions are woken that were in the middle of a turn when the gateway restarted and nobody had announced it."
        ),
        key(
            "resumeSessions", .list(.patterns), default: .none,
            "Which sessions: patterns, with `*` for any text; without it, all."),
        key(
            "resumeWithin", .duration(.minutes(1)...(.days(7))), default: .text("30min"),
            "How long the gateway may have been away: a turn that was cut off longer ago is not taken up unasked."),
        key(
            "resumeLimit", .integer(0...100), default: .text("3"),
            "How often within an hour one session is woken by restarts that nobody announced."),
        key(
            "missedMessages", .integer(0...50), default: .text("50"),
            "How many messages that people wrote meanwhile are handed over with a turn, where there is a bot token to read them with."
        ),
        key(
            "missedWithin", .duration(.minutes(1)...(.days(1))), default: .text("24h"), "How old they may be."),
    ]

    private static func key(
        _ name: String, _ kind: ValueKind, default fallback: KeyDescriptor.DefaultValue, _ meaning: String
    ) -> KeyDescriptor {
        KeyDescriptor("gateways.\(gatewayLabel).\(name)", kind, default: fallback, change: .daemonRestart, meaning)
    }
}
