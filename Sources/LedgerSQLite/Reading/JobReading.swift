import GRDB
public import WakeCore
public import WakeService

extension LedgerReader {
    /// Jobs, those that are due next first; then those that have no further time.
    ///
    /// - Parameter limit: 1 to ``maximumRows``; default ``maximumRows``.
    /// - Returns: the jobs.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func jobs(limit: Int = maximumRows) throws(WakeError) -> [Job] {
        try store.snapshot {
            try BodyCodec().values(
                Job.self, $0, "SELECT body, id, sum FROM job ORDER BY next_ms IS NULL, next_ms, id LIMIT ?",
                [Self.clamp(limit)])
        }
    }

    /// One job, by the beginning of its id, or by its whole name where only one is called so.
    ///
    /// - Throws: `not-found`, or `invalid-request` where several match.
    public func job(_ text: String) throws(WakeError) -> Job {
        let found = try store.snapshot { database in
            let sql = "SELECT body, id, sum FROM job WHERE"
            let named = try BodyCodec().values(Job.self, database, "\(sql) name = ? ORDER BY id LIMIT 2", [text])
            if !named.isEmpty { return named }
            return try BodyCodec().values(Job.self, database, "\(sql) id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 2", [text])
        }
        return try Self.only(found, "job", text, \.id, "reveille cron list")
    }

    /// What became of the times of a job, or of all, newest first.
    ///
    /// - Parameters:
    ///   - job: nil: all jobs, those that are gone as well.
    ///   - limit: 1 to ``maximumRows``; default 100.
    /// - Returns: the runs.
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func jobRuns(of job: JobID? = nil, limit: Int = 100) throws(WakeError) -> [JobRun] {
        try store.snapshot { database in
            let sql = "SELECT job, due_ms, at_ms, result, sentinel FROM job_run"
            let rows = try Row.fetchAll(
                database,
                sql: sql + (job == nil ? " ORDER BY at_ms DESC LIMIT ?2" : " WHERE job = ?1 ORDER BY due_ms DESC LIMIT ?2"),
                arguments: [job?.description, Self.clamp(limit)])
            return rows.compactMap(Self.run)
        }
    }

    /// The last run of each job, by job.
    ///
    /// - Throws: `ledger-corrupt`, `ledger-unavailable`.
    public func lastJobRuns() throws(WakeError) -> [JobID: JobRun] {
        let runs = try store.snapshot { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT job, due_ms, at_ms, result, sentinel FROM job_run
                    WHERE (job, due_ms) IN (SELECT job, max(due_ms) FROM job_run GROUP BY job)
                    """
            ).compactMap(Self.run)
        }
        return Dictionary(runs.map { ($0.job, $0) }, uniquingKeysWith: { $1 })
    }

    /// How many jobs there are, those in the inbox included.
    public func jobCount() throws(WakeError) -> Int {
        let count = try store.snapshot { try Int.fetchOne($0, sql: "SELECT count(*) FROM job") ?? 0 }
        return count + (try pendingJobs().count)
    }

    /// Jobs that the daemon has not taken out of the inbox yet, oldest first.
    public func pendingJobs() throws(WakeError) -> [Job] {
        try inbox().compactMap { if case .job(.add(let job)) = $0.item { job } else { nil } }
    }

    /// One job, as ``job(_:)`` finds it, or in the inbox.
    ///
    /// - Throws: `not-found`, or `invalid-request` where several match.
    public func knownJob(_ text: String) throws(WakeError) -> Job {
        // The inbox first: what leaves it meanwhile is a job by then.
        let waiting = try pendingJobs().filter { $0.name == text || (!text.isEmpty && $0.id.description.hasPrefix(text)) }
        do throws(WakeError) { return try job(text) } catch {
            guard error.code == .notFound, !waiting.isEmpty else { throw error }
            return try Self.only(waiting, "job", text, \.id, "reveille cron list")
        }
    }

    /// The id of a job that is there, or of one that is gone by its whole id.
    ///
    /// - Throws: as ``knownJob(_:)``.
    public func jobIdentifier(_ text: String) throws(WakeError) -> JobID {
        do throws(WakeError) { return try knownJob(text).id } catch {
            guard error.code == .notFound, let id = JobID(text) else { throw error }
            return id
        }
    }

    private static func run(_ row: Row) -> JobRun? {
        guard let job = JobID(row["job"] as String), let result = JobRun.Result(rawValue: row["result"]) else { return nil }
        return JobRun(
            job: job, due: row["due_ms"], at: row["at_ms"], result: result,
            sentinel: (row["sentinel"] as String?).flatMap { SentinelID($0) })
    }
}
