import Schedules
import WakeCore

extension Job {
    /// Its schedule for people.
    var scheduleWords: String {
        switch try? JobTimes.schedule(schedule) {
        case .at(let time)?: "at \(WallTime.text(milliseconds: time))"
        case .every(let seconds, _)?: "every \(ScheduleDuration.words(seconds: seconds))"
        case .cron(let expression, let zone)?: "\(expression) (\(zone))"
        case nil: "unreadable: \(schedule)"
        }
    }

    /// When it is due next, or why it is not.
    func nextWords(_ last: JobRun?) -> String {
        if let nextDue { return WallTime.text(milliseconds: nextDue) }
        if isEnabled { return "being planned" }
        switch last?.result {
        case .fired?: return "over; its wake is not delivered" + (wake.map { ": \($0)" } ?? "")
        case let result?: return "over: \(result.rawValue)"
        case nil: return "over"
        }
    }

    /// The session for people.
    var sessionWords: String { session.description + (isIsolated ? ":run:…" : "") }

    /// What scripts read of it.
    func json(_ last: JobRun?) -> JSONObject {
        var object: JSONObject = [
            "id": .string(id.description), "name": .string(name), "schedule": .string(scheduleWords), "oneShot": .bool(isOneShot),
            "enabled": .bool(isEnabled), "session": .string(session.description), "isolated": .bool(isIsolated),
            "message": .string(message), "announcing": .string(announcing.rawValue), "lightContext": .bool(isLight),
            "graceMilliseconds": .integer(grace.wholeMilliseconds), "missed": .string(missedPolicy.rawValue),
            "createdAt": .string(WallTime.text(createdAt)),
        ]
        object["route"] = (route ?? session.route).map { .string($0.description) }
        object["nextAt"] = nextDue.map { .string(WallTime.text(milliseconds: $0)) }
        object["wake"] = wake.map { .string($0.description) }
        object["last"] = last.map { .object($0.json) }
        return object
    }
}

extension JobRun {
    /// What scripts read of it.
    var json: JSONObject {
        var object: JSONObject = [
            "job": .string(job.description), "due": .string(WallTime.text(milliseconds: due)),
            "at": .string(WallTime.text(milliseconds: at)), "result": .string(result.rawValue),
        ]
        object["sentinel"] = sentinel.map { .string($0.description) }
        return object
    }
}
