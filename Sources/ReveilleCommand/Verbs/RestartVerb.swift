import ArgumentParser

/// `reveille restart`: the sentinel first, then the restart.
struct RestartVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Write a sentinel, restart after a delay, and wake the session when its channel can hear it.",
        discussion: """
            Names a unit to restart through its service manager; without one, the
            daemon itself restarts: it stops cleanly and its supervisor starts it again.
            With a command after -- the daemon runs that once the sentinel is durable.
            Where the restart fails, the session is told so.

              reveille restart nginx.service --session agent:infra:discord:channel:1234 --note "check the site"
              reveille restart --session agent:infra:discord:channel:1234 --note "config is in; go on with step 3" --delay 2s
              reveille restart --session agent:infra:discord:channel:1234 --note "check the site" -- systemctl restart nginx

            Returns as soon as the sentinel is on disk. Works while the daemon is down: its
            next start then counts as the restart, and a command runs when it starts.
            """)

    @Argument(help: "The unit to restart, e.g. nginx.service; from a user's service, system/NAME is one of the system's.")
    var unit: String?
    @OptionGroup var request: RequestOptions
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp(
            "How long to wait before the restart, 0s to 10min; default is restart.defaultDelay, 2s.", valueName: "duration"))
    var delay: String?
    @Argument(parsing: .postTerminator, help: "After --: the command that restarts something, and its arguments.")
    var command: [String] = []
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    var order: RequestOrder {
        RequestOrder(
            deed: .ours(delay: delay, command: command), wish: request.wish, json: output.json, sources: configuration.sources)
    }

    func run() async throws {
        guard let unit else { return try order.run() }
        guard command.isEmpty else {
            throw Complaint(
                .usage, "a unit and a command are given", hint: "Name the unit, or write the command after --; not both.")
        }
        var order = order
        let (target, epoch) = try await TargetArgument.unit(unit)
        order.deed = .restart(target, epoch, delay: delay)
        try order.run()
    }
}
