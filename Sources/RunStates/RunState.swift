public import WakeCore

/// A run state: the checkpoint of one operation, a JSON document that agents and people read and write by hand.
///
/// Shape, all that is known of it: `{"opId", "goal", "plan": […], "nextStep": 1…, "pending", "context": {…}, "progressLog": […]}`, and
/// `"session"`, the key of the session that works on it. Whatever else is in it stays as it is, in its place.
public struct RunState: Hashable, Sendable {
    /// The largest file, in bytes.
    public static let maximumBytes = 1 << 20
    /// The most steps of a plan.
    public static let maximumSteps = 1_000
    /// The most lines of a progress log; older ones are dropped by our own changes.
    public static let maximumLogLines = 500

    /// All of it, unknown fields included.
    public private(set) var document: JSONObject

    /// The operation's name.
    public var operation: String { document["opId"]?.string ?? "" }
    /// What is to be reached.
    public var goal: String { document["goal"]?.string ?? "" }
    /// The steps, in order.
    public var plan: [String] { document["plan"]?.array?.compactMap(\.string) ?? [] }
    /// The step that is next, from 1; one more than there are steps where all are done.
    public var nextStep: Int { document["nextStep"]?.integer.flatMap { Int(exactly: $0) } ?? 1 }
    /// Whether the operation goes on.
    public var isPending: Bool { document["pending"]?.bool ?? false }
    /// What was noted for later.
    public var context: JSONObject { document["context"]?.object ?? JSONObject() }
    /// What was done, oldest first.
    public var progressLog: [String] { document["progressLog"]?.array?.compactMap(\.string) ?? [] }

    /// The session that works on it: `session`, else `context.sessionKey`.
    public var session: SessionKey? {
        (document["session"]?.string ?? context["sessionKey"]?.string).flatMap { try? SessionKey($0) }
    }

    /// Where people are told of it: `context.targetDiscord`, such as `channel:1234`, or a whole route; nil: where the session is.
    public var route: Route? {
        guard let place = context["targetDiscord"]?.string else { return nil }
        return Route(place) ?? Route("discord:default/\(place)")
    }

    /// Reads a document.
    ///
    /// - Throws: ``RunStateError`` that names the field: `half-written`, `not-json`, `too-large`, `wrong-field`.
    public init(_ bytes: [UInt8]) throws(RunStateError) {
        guard bytes.count <= Self.maximumBytes else { throw .tooLarge(Int64(bytes.count)) }
        guard bytes.contains(where: { $0 > 0x20 }) else {
            throw RunStateError(.halfWritten, "the run state is empty", hint: "Write it anew: reveille run begin …")
        }
        let value: JSONValue
        do { value = try JSONValue.parse(bytes) } catch { throw Self.fault(error, in: bytes) }
        // The parser takes other bytes for U+FFFD, and our next change would write that in their place.
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw RunStateError(
                .notJSON, "the run state is not UTF-8", hint: "Store it as UTF-8; it holds bytes of another encoding.")
        }
        guard let object = value.object else {
            throw RunStateError(
                .notJSON, "the run state is no JSON object", hint: "It must be {\"opId\": …}; see reveille run schema.")
        }
        document = object
        if let problem = Self.problem(of: object) {
            throw RunStateError(.wrongField, problem, hint: "Mend the field; reveille run schema shows what it may be.")
        }
    }

    /// What can still become JSON was cut off while it was written; a cut may well lie behind a bracket that closes something within.
    private static func fault(_ error: JSONError, in bytes: [UInt8]) -> RunStateError {
        let longestToken = 4  // of what is refused at its beginning: `fals`, or the digits of an escape
        let isInToken = error.offsetBytes + longestToken >= bytes.count && !ends(bytes)
        let isObject = bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
        let isWhole = (try? JSONValue.parse(bytes[..<error.offsetBytes])) != nil
        let isCut = isObject && !isWhole && (error.offsetBytes == bytes.count || isInToken)
        return RunStateError(
            isCut ? .halfWritten : .notJSON,
            isCut ? "the run state is cut off: it ends in the middle" : "the run state is no JSON: \(error)",
            hint: "Mend it by hand, or write it anew: reveille run begin …")
    }

    /// Whether the text ends as an object or an array does.
    private static func ends(_ bytes: [UInt8]) -> Bool {
        guard let last = bytes.last(where: { $0 > 0x20 }) else { return false }
        return last == UInt8(ascii: "}") || last == UInt8(ascii: "]")
    }

    /// Begins an operation.
    ///
    /// - Parameters:
    ///   - operation: its name.
    ///   - goal: what is to be reached.
    ///   - plan: its steps.
    ///   - session: who works on it.
    ///   - place: where people are told, as in `context.targetDiscord`.
    ///   - time: the present time, as it is written into the log.
    public init(operation: String, goal: String, plan: [String], session: SessionKey, place: String?, at time: String) {
        document = [
            "opId": .string(operation), "goal": .string(goal), "plan": .array(plan.map { .string($0) }), "nextStep": 1,
            "pending": true, "session": .string(session.description), "context": .object(JSONObject()),
            "progressLog": .array([.string("\(time) begun")]),
        ]
        if let place { document["context"] = ["targetDiscord": .string(place)] }
    }

    /// The document as it is stored: pretty JSON with an end of line.
    public var bytes: [UInt8] { Array((PrettyJSON.text(.object(document)) + "\n").utf8) }

    /// Changes when the work goes on, and not when somebody mends a word elsewhere.
    public var fingerprint: String {
        let parts: [JSONValue] = ["opId", "nextStep", "pending", "plan", "progressLog"].map { document[$0] ?? .null }
        return JSONValue.array(parts).text.utf8.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) {
            $0 = ($0 ^ UInt64($1)) &* 0x0100_0000_01B3
        }.description
    }
}

// MARK: Changes

extension RunState {
    /// Goes on: the step that is given is next, or the one after the present one.
    ///
    /// - Parameters:
    ///   - step: from 1 to one more than there are steps; nil: one further.
    ///   - words: what was done; nil says only which step.
    ///   - time: the present time.
    /// - Throws: ``RunStateError`` `conflict` where nothing is pending, or there is no such step.
    public mutating func step(to step: Int? = nil, _ words: String? = nil, at time: String) throws(RunStateError) {
        try requirePending()
        let next = step ?? nextStep + 1
        // Without a plan they are only counted.
        guard (1...(plan.isEmpty ? Self.maximumSteps : plan.count) + 1).contains(next) else {
            throw RunStateError(
                .conflict, "there is no step \(next): the plan has \(plan.count)",
                hint: next > plan.count ? "When all is done: reveille run done" : "Steps count from 1.")
        }
        let done = next > nextStep ? "step \(nextStep) done" : "back to step \(next)"
        document["nextStep"] = .integer(Int64(next))
        log(words.map { "\(done): \($0)" } ?? done, at: time)
    }

    /// Notes something for later, under a name in `context` or as a line of `context.notes`.
    public mutating func note(_ text: String, as key: String?, at time: String) {
        var context = self.context
        if let key {
            context[key] = .string(text)
        } else {
            // Who keeps them in another shape keeps that shape, and all that is in it.
            switch context["notes"] {
            case .string(let before)?: context["notes"] = .string(before.isEmpty ? text : before + "\n" + text)
            case .array(let list)?: context["notes"] = .array(list + [.string(text)])
            case nil, .null?: context["notes"] = .string(text)
            case .some(let other): context["notes"] = .array([other, .string(text)])
            }
        }
        document["context"] = .object(context)
    }

    /// Ends it, well or not.
    ///
    /// - Parameters:
    ///   - words: how, for the log.
    ///   - isDone: whether all was reached: then no step is left.
    ///   - time: the present time.
    /// - Throws: ``RunStateError`` `conflict` where nothing is pending.
    public mutating func end(_ words: String?, isDone: Bool, at time: String) throws(RunStateError) {
        try requirePending()
        document["pending"] = false
        if isDone { document["nextStep"] = .integer(Int64(plan.count + 1)) }
        let word = isDone ? "done" : "failed"
        log(words.map { "\(word): \($0)" } ?? word, at: time)
    }

    /// Adds a line to the log.
    public mutating func log(_ words: String, at time: String) {
        let line = words.split { $0.isNewline }.joined(separator: " ")
        let kept = (document["progressLog"]?.array ?? []).suffix(Self.maximumLogLines - 1)
        document["progressLog"] = .array(kept + [.string("\(time) \(line)")])
    }

    private func requirePending() throws(RunStateError) {
        guard !isPending else { return }
        throw RunStateError(
            .conflict, "operation \(operation) is not pending any more",
            hint: "Begin another: reveille run begin --goal … --plan …")
    }
}

extension RunStateError {
    static func tooLarge(_ bytes: Int64) -> RunStateError {
        RunStateError(
            .tooLarge, "the run state has \(bytes) bytes, at most \(RunState.maximumBytes) are read",
            hint: "It is a checkpoint, no archive: move what is old into another file.")
    }
}
