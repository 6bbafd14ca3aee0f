import Foundation
import Schedules
import WakeCore
import WakeService

/// A schedule as it is stored with a job, and the zones of the world, for the waker.
///
/// Stored as `at MILLISECONDS`, `every SECONDS ANCHOR` or `cron ZONE EXPRESSION`: unlike what was typed, it means the same at
/// any time.
struct JobTimes: JobPlanner {
    func next(of job: Job, after milliseconds: Int64) -> Int64? {
        guard let schedule = try? Self.schedule(job.schedule) else { return nil }
        guard case .cron(_, let name) = schedule else { return schedule.next(after: milliseconds, in: FixedOffset.utc) }
        return (try? ZoneRules(name)).flatMap { schedule.next(after: milliseconds, in: $0) }
    }

    /// Writes a schedule down.
    static func text(_ schedule: JobSchedule) -> String {
        switch schedule {
        case .at(let time): "at \(time)"
        case .every(let seconds, let anchor): "every \(seconds) \(anchor)"
        case .cron(let expression, let zone): "cron \(zone) \(expression)"
        }
    }

    /// Reads a schedule that was written down.
    static func schedule(_ text: String) throws -> JobSchedule {
        let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
        switch (parts.first, parts.count) {
        case ("at", 2): if let time = Int64(parts[1]) { return .at(time) }
        case ("every", 3):
            if let seconds = Int64(parts[1]), let anchor = Int64(parts[2]) { return .every(seconds: seconds, anchor: anchor) }
        case ("cron", 3): return .cron(try CronExpression(parts[2]), zone: parts[1])
        default: break
        }
        throw Complaint(.data, "\"\(text)\" is no schedule of a job", hint: "Remove the job, and add it again.")
    }
}

/// The rules of a zone of the system's database.
struct ZoneRules: TimeZoneRules {
    let zone: TimeZone

    /// Finds a zone by its name, such as `Europe/Berlin`.
    init(_ name: String) throws {
        guard let zone = TimeZone(identifier: name) else {
            let last = name.split(separator: "/").last.map { $0.lowercased() } ?? ""
            let near = TimeZone.knownTimeZoneIdentifiers.filter { !last.isEmpty && $0.lowercased().contains(last.prefix(4)) }
            throw Complaint(
                .usage, "no time zone is called \"\(name.prefix(60))\"",
                hint: near.isEmpty
                    ? "Write a name such as Europe/Berlin or UTC." : "Near to it are \(near.prefix(3).joined(separator: ", ")).")
        }
        self.zone = zone
    }

    func offsetSeconds(atUTC seconds: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
    }
}
