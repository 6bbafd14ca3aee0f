/// Somebody's wish for a restart, or the news that somebody else will perform one: what a sentinel is made from.
public struct RestartRequest: Hashable, Sendable {
    /// Who asked: the process at the other end of the call.
    public struct Requester: Hashable, Sendable, Codable {
        /// The user id.
        public var uid: UInt32
        /// The process id; 0 where it is not known.
        public var pid: Int32

        /// Makes a requester.
        public init(uid: UInt32, pid: Int32) {
            self.uid = uid
            self.pid = pid
        }
    }

    /// The sentinel's id, chosen by the requester, so that the same request applied twice makes one sentinel.
    public var id: SentinelID
    /// The session to wake.
    public var session: SessionKey
    /// Where to wake it; nil takes the session key's own route.
    public var route: Route?
    /// What the session is to be told, 1 byte to 8 KiB.
    public var note: String
    /// What restarts.
    public var target: RestartTarget
    /// For `exec`: the command, its arguments, and where it runs.
    public var command: Command?
    /// How long to wait before the restart, 0 to 10 min.
    public var delay: Duration
    /// Whether we perform the restart, or only wait for someone else's.
    public var performedByUs: Bool
    /// The target's epoch as the requester knew it; nil lets the daemon use the last one it saw.
    public var epoch: Epoch?
    /// What is owed: a notice, a turn, or both.
    public var owes: Set<DeliveryKind>
    /// How it came to be; default that somebody asked us.
    public var origin: Sentinel.Origin
    /// What it is called in its headline; nil: by its origin and cause.
    public var title: String?
    /// Whether its turn is told the note and nothing else.
    public var isLight: Bool
    /// Who asked.
    public var requester: Requester
    /// When.
    public var requestedAt: Moment

    /// A command with its working folder.
    public struct Command: Hashable, Sendable, Codable {
        /// The program and its arguments.
        public var arguments: [String]
        /// The folder it runs in.
        public var directory: String

        /// Makes a command.
        public init(arguments: [String], directory: String) {
            self.arguments = arguments
            self.directory = directory
        }
    }

    /// Makes a request; see the properties for units, ranges and defaults.
    public init(
        id: SentinelID, session: SessionKey, route: Route? = nil, note: String, target: RestartTarget = .daemon,
        command: Command? = nil, delay: Duration = .zero, performedByUs: Bool = true, epoch: Epoch? = nil,
        owes: Set<DeliveryKind> = [.notice], origin: Sentinel.Origin = .requested,
        title: String? = nil, isLight: Bool = false,
        requester: Requester = Requester(uid: 0, pid: 0), requestedAt: Moment
    ) {
        self.id = id
        self.session = session
        self.route = route
        self.note = note
        self.target = target
        self.command = command
        self.delay = delay
        self.performedByUs = performedByUs
        self.epoch = epoch
        self.owes = owes
        self.origin = origin
        self.title = title
        self.isLight = isLight
        self.requester = requester
        self.requestedAt = requestedAt
    }

    /// Everything that is wrong with the request, in words; empty if it may be accepted.
    public var problems: [String] {
        var problems: [String] = []
        if !note.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) {
            problems.append("the note is empty; say in a sentence what the agent is to go on with")
        }
        if note.utf8.count > Limits.noteBytes {
            problems.append(
                "the note is \(note.utf8.count) bytes long, at most \(Limits.noteBytes) are allowed; put the rest in a file and name it"
            )
        }
        if delay < .zero || delay > Limits.restartDelay {
            problems.append(
                "the delay is \(delay.wholeMilliseconds) ms, it must be from 0 to \(Limits.restartDelay.wholeMilliseconds) ms")
        }
        if route == nil, session.route == nil {
            problems.append(
                "the session key '\(session)' names no place; say where with --to, such as discord:default/channel:1234")
        }
        if owes.isEmpty { problems.append("neither a notice nor a turn is asked for") }
        if target == .nothing, performedByUs { problems.append("'nothing' is no target that can be restarted") }
        problems += commandProblems
        return problems
    }

    private var commandProblems: [String] {
        guard let command else { return target == .exec ? ["target 'exec' needs a command after --"] : [] }
        guard target == .exec else { return ["a command goes with target 'exec' only, not with '\(target)'"] }
        guard !command.arguments.isEmpty, !(command.arguments[0].isEmpty) else { return ["the command is empty"] }
        let bytes = command.arguments.reduce(0) { $0 + $1.utf8.count }
        guard command.arguments.count <= Limits.commandArguments, bytes <= Limits.commandBytes else {
            return ["the command is too long: at most \(Limits.commandArguments) arguments and \(Limits.commandBytes) bytes"]
        }
        return command.arguments.contains { $0.utf8.contains(0) } ? ["an argument of the command holds a zero byte"] : []
    }
}
