/// What a run state says of one operation that is not finished: as much of it as a wake carries.
public struct WorkInHand: Hashable, Sendable {
    /// One step of the plan.
    public struct Step: Hashable, Sendable {
        /// What is to be done.
        public var text: String
        /// Whether it is done.
        public var isDone: Bool

        /// Makes a step.
        public init(text: String, isDone: Bool) {
            self.text = text
            self.isDone = isDone
        }
    }

    /// The operation's name, `opId`.
    public var operation: String
    /// The file, an absolute path.
    public var path: String
    /// The session that works on it.
    public var session: SessionKey
    /// Where people are told of it, if the run state says so.
    public var route: Route?
    /// What is to be reached.
    public var goal: String
    /// The plan, in order.
    public var steps: [Step]
    /// Which step is next, from 0; nil where none is left or none is known.
    public var nextStep: Int?
    /// What was noted for later: `context`, one line each, such as `notes: …` or `hash: …`.
    public var notes: [String]
    /// The last lines of the progress log, oldest first.
    public var progress: [String]
    /// When it last went on, in milliseconds since 1970.
    public var progressedAt: Int64

    /// Makes one; see the properties.
    public init(
        operation: String, path: String, session: SessionKey, route: Route? = nil, goal: String, steps: [Step], nextStep: Int?,
        notes: [String] = [], progress: [String] = [], progressedAt: Int64
    ) {
        self.operation = operation
        self.path = path
        self.session = session
        self.route = route
        self.goal = goal
        self.steps = steps
        self.nextStep = nextStep
        self.notes = notes
        self.progress = progress
        self.progressedAt = progressedAt
    }
}
