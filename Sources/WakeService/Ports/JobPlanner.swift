public import WakeCore

/// Finds out when jobs are due; knows the zones of the world.
public protocol JobPlanner: Sendable {
    /// When a job is due next.
    ///
    /// Reads the job's schedule as it is stored; a schedule that can't be read has no next time.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - milliseconds: milliseconds since 1970-01-01 UTC.
    /// - Returns: milliseconds since 1970-01-01 UTC, strictly later than `milliseconds`; nil if there is none.
    func next(of job: Job, after milliseconds: Int64) -> Int64?
}
