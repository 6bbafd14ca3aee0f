import ArgumentParser
import WakeCore

/// `reveille send SESSION TEXT`: a message for a session's agent.
struct SendVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a session a message: durable, in order, and once for its key.",
        discussion: """
            Returns as soon as it is on disk; works while the daemon is down. The agent
            gets it as a turn of its own as soon as its channel is ready; where nobody
            runs its turns, it is written into the channel.

              reveille send agent:infra:discord:channel:1234 "the backup is done"
              make test 2>&1 | tail -50 | reveille send "$REVEILLE_SESSION" - --key tests-17

            The same key for the same session is one message: a second call says what
            became of the first. Exit code 75 where --wait runs out of time, 69 where
            the message did not arrive.
            """)

    @Argument(help: ArgumentHelp("The session, e.g. agent:infra:discord:channel:1234.", valueName: "session"))
    var session: String
    @Argument(
        help: ArgumentHelp(
            "What it is told, 1 byte to 8 KiB; - reads it from standard input. After -- it may begin with a dash.",
            valueName: "text"))
    var text: String
    @Option(
        name: .customLong("to"),
        help: ArgumentHelp("Where, if not where the session key says, e.g. discord:default/channel:1234.", valueName: "route"))
    var route: String?
    @Flag(name: .long, help: "Write it into the channel too, for people to see.") var notice = false
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Makes two calls one message.", valueName: "text"))
    var key: String?
    @Flag(name: .long, help: "Follow it to its receipt.") var wait = false
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("With --wait: how long at most; default 10min.", valueName: "duration"))
    var timeout: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        guard timeout == nil || wait else {
            throw Complaint(.usage, "--timeout needs --wait", hint: "Without --wait nothing is waited for.")
        }
        let limit = try timeout.map { try DurationArgument.parse($0, flag: "--timeout") } ?? .seconds(600)
        try await MessageOrder(
            wish: RequestWish(session: session, note: text, route: route), hasNotice: notice, key: key,
            follow: wait ? limit : nil, json: output.json, sources: configuration.sources
        ).run()
    }
}
