import Foundation
import Schedules
import WakeCore

/// What is asked of a job besides its session, place and message.
struct JobWish {
    var id: JobID
    /// Nil: the first line of its message.
    var name: String?
    var schedule: JobSchedule
    var announcing = Job.Announcing.ifNeeded
    var isLight = false
    var grace = Duration.seconds(3_600)
    var missedPolicy = Job.MissedPolicy.report

    /// The longest name that is made of a message, in characters.
    private static let nameCharacters = 60

    /// The job, planned.
    ///
    /// - Throws: ``Complaint`` with everything that is wrong with it.
    func job(_ session: JobSession, _ route: Route?, _ message: String, at now: Moment) throws -> Job {
        let first = message.split(whereSeparator: \.isNewline).first.map { $0.prefix(Self.nameCharacters) } ?? ""
        var job = Job(
            id: id, name: name ?? first.trimmingCharacters(in: .whitespaces), schedule: JobTimes.text(schedule),
            isOneShot: schedule.isOneShot, session: session.key, isIsolated: session.isIsolated, route: route, message: message,
            announcing: announcing, isLight: isLight, grace: grace, missedPolicy: missedPolicy, createdAt: now)
        let problems = job.problems
        guard problems.isEmpty else {
            throw Complaint(.usage, problems.joined(separator: "; "), hint: "reveille cron add --help")
        }
        // A time within the last minute counts as now.
        job.plan(JobTimes().next(of: job, after: schedule.isOneShot ? now.wallMilliseconds - 1 : now.wallMilliseconds))
        guard job.nextDue != nil else {
            throw Complaint(
                .usage, "the schedule never comes again", hint: "Check the day and the month: a 30th of February never comes.")
        }
        return job
    }
}

extension JobSchedule {
    /// Reads one of three ways to say when.
    ///
    /// - Parameters:
    ///   - at: a time, or `+20s`.
    ///   - every: a duration.
    ///   - expression: a cron expression.
    ///   - zone: the zone of a time without one, and of an expression; nil: this machine's.
    ///   - now: the wall clock, in milliseconds since 1970-01-01 UTC.
    /// - Throws: ``Complaint`` unless exactly one is given and can be read.
    init(at: String?, every: String?, cron expression: String?, zone: String?, now: Int64) throws {
        guard [at, every, expression].count(where: { $0 != nil }) == 1 else {
            throw Complaint(
                .usage, "give exactly one of --at, --every and --cron",
                hint: "For example --at +20m, --every 6h or --cron '0 9 * * MON-FRI' --tz Europe/Berlin.")
        }
        guard every == nil || zone == nil else {
            throw Complaint(.usage, "--tz goes with --at and --cron only", hint: "An interval is the same in every zone.")
        }
        let name = zone ?? TimeZone.current.identifier
        let rules = try ZoneRules(name)
        do throws(ScheduleError) {
            if let at {
                self = .at(try TimeText.parse(at, now: now, zone: rules))
            } else if let every {
                self = .every(seconds: try ScheduleDuration.parse(every), anchor: now)
            } else {
                self = .cron(try CronExpression(expression ?? ""), zone: name)
            }
        } catch {
            throw Complaint(.usage, error.description, hint: error.hint)
        }
    }
}
