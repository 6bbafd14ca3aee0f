/// A script: faults from the start, and actions at their times.
///
///     {"faults": [{"fault": "late-ready", "delay_ms": 4000}],
///      "steps":  [{"at_ms": 9000, "action": "outage", "for_ms": 3000}]}
struct LoopbackScript {
    struct Step {
        var at: Duration
        var action: LoopbackAction
    }

    var faults: [LoopbackFault] = []
    var steps: [Step] = []

    init() {}

    init(_ text: String) throws(LoopbackError) {
        var fields = LoopbackFields(try Self.parse(text, what: "script"), what: "script")
        for fault in try fields.array("faults") ?? [] { faults.append(try LoopbackFault(json: fault)) }
        for step in try fields.array("steps") ?? [] {
            let at = Duration.milliseconds(step[key: "at_ms"]?.int ?? 0)
            steps.append(Step(at: at, action: try LoopbackAction(json: step)))
        }
        try fields.finish()
        steps.sort { $0.at < $1.at }
    }

    static func parse(_ text: String, what: String) throws(LoopbackError) -> JSON {
        do { return try JSON(parsing: text) } catch {
            throw LoopbackError(
                .badScript, "\(what): no JSON at byte \(error.byte): \(error.what)", hint: "Mend the JSON there.")
        }
    }
}
