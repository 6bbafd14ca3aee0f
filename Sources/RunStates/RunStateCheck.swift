internal import WakeCore

/// What is wrong with a document that is JSON.
extension RunState {
    static func problem(of object: JSONObject) -> String? {
        if let key = twice(object) ?? object["context"]?.object.flatMap(twice).map({ "context.\($0)" }) {
            return "the field '\(shown(key))' is there twice"
        }
        return words(object, "opId", least: 1) ?? words(object, "goal", least: 0) ?? planProblem(object) ?? stepProblem(object)
            ?? pendingProblem(object) ?? listProblem(object, "progressLog") ?? contextProblem(object)
    }

    /// The first name that comes again. Which of the two counts, readers do not agree on.
    private static func twice(_ object: JSONObject) -> String? {
        var seen: Set<String> = []
        return object.members.first { !seen.insert($0.key).inserted }?.key
    }

    private static func words(_ object: JSONObject, _ key: String, least: Int) -> String? {
        guard let value = object[key] else { return least > 0 ? "the field '\(key)' is missing" : nil }
        guard let text = value.string else { return "'\(key)' must be a text, it is \(kind(value))" }
        if text.utf8.count < least { return "'\(key)' is empty" }
        return text.utf8.count <= 4_096 ? nil : "'\(key)' has \(text.utf8.count) bytes, at most 4096 are allowed"
    }

    private static func planProblem(_ object: JSONObject) -> String? {
        guard let value = object["plan"] else { return nil }
        if let problem = listProblem(object, "plan") { return problem }
        let count = value.array?.count ?? 0
        return count <= maximumSteps ? nil : "'plan' has \(count) steps, at most \(maximumSteps) are allowed"
    }

    private static func listProblem(_ object: JSONObject, _ key: String) -> String? {
        guard let value = object[key] else { return nil }
        guard let list = value.array else { return "'\(key)' must be a list of texts, it is \(kind(value))" }
        guard let index = list.firstIndex(where: { $0.string == nil }) else { return nil }
        return "'\(key)' must be a list of texts; entry \(index + 1) is \(kind(list[index]))"
    }

    private static func stepProblem(_ object: JSONObject) -> String? {
        guard let value = object["nextStep"] else { return nil }
        guard let next = value.integer else { return "'nextStep' must be a whole number, it is \(kind(value))" }
        let count = object["plan"]?.array?.count ?? 0
        guard count > 0 else {
            let most = Int64(maximumSteps + 1)
            return (0...most).contains(next) ? nil : "'nextStep' is \(next); without a plan it may be 1 to \(most)"
        }
        return (1...Int64(count + 1)).contains(next)
            ? nil : "'nextStep' is \(next), but the plan has \(count) steps: it may be 1 to \(count + 1)"
    }

    private static func pendingProblem(_ object: JSONObject) -> String? {
        guard let value = object["pending"] else {
            return "the field 'pending' is missing: true while the operation goes on, else false"
        }
        guard let isPending = value.bool else { return "'pending' must be true or false, it is \(kind(value))" }
        let key = object["session"] ?? object["context"]?["sessionKey"]
        guard let key else {
            return isPending ? "'pending' is true, but no 'session' says who works on it, so nobody could be woken" : nil
        }
        guard let text = key.string else { return "'session' must be a session key, it is \(kind(key))" }
        do { _ = try SessionKey(text) } catch { return "'session' is no session key: \(error)" }
        return nil
    }

    private static func contextProblem(_ object: JSONObject) -> String? {
        guard let value = object["context"] else { return nil }
        guard let context = value.object else { return "'context' must be an object, it is \(kind(value))" }
        guard let place = context["targetDiscord"] else { return nil }
        guard let text = place.string, Route(text) ?? Route("discord:default/\(text)") != nil else {
            return "'context.targetDiscord' must be a place such as channel:1234"
        }
        return nil
    }

    private static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let truth): "\(truth)"
        case .integer, .number: "the number \(value.text)"
        case .string(let text): "the text \"\(shown(text))\""
        case .array: "a list"
        case .object: "an object"
        }
    }

    private static func shown(_ text: String) -> String {
        let line = text.split { $0.isNewline }.joined(separator: " ")
        return line.count > 60 ? line.prefix(60) + "…" : line
    }
}
