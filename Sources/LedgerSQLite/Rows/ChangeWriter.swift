import GRDB
import WakeCore

/// Writes the durable changes of one step into the tables.
struct ChangeWriter {
    let database: Database
    /// When, by the wall clock: only for people to read.
    let wallMilliseconds: Int64
    private let codec = BodyCodec()

    func write(_ changes: [Change]) throws {
        for change in changes where change.isDurable { try write(change) }
    }

    private func write(_ change: Change) throws {
        switch change {
        case .sentinel(let sentinel): try write(sentinel)
        case .wake(let wake): try write(wake)
        case .delivery(let delivery): try write(delivery)
        case .attempt(let id, let number, let moment, let result): try write(id, number, moment, result)
        case .epoch(let target, let epoch):
            try run(
                "INSERT INTO epoch VALUES (?1, ?2) ON CONFLICT (target) DO UPDATE SET body = ?2",
                [target.description, try codec.text(epoch)])
        case .inboxApplied(let row): try remove(row)
        case .inboxRefused(let row, let reason):
            try run(
                "INSERT OR IGNORE INTO inbox_refused SELECT row, ?2, ?3, body FROM inbox WHERE row = ?1",
                [row, wallMilliseconds, reason])
            try remove(row)
        case .channel(let name, let state):
            try run(
                """
                INSERT INTO channel VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (name) DO UPDATE SET state = ?2, changed_ms = ?3, body = ?4
                """, [name.description, state.words, wallMilliseconds, try codec.text(state)])
        case .route(let route, let info):
            try run(
                """
                INSERT INTO route VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (route) DO UPDATE SET state = ?2, changed_ms = ?3, body = ?4
                """, [route.description, info.state.words, wallMilliseconds, try codec.text(info.state)])
        case .turn(let turn): try write(turn)
        case .lease(let path, let lease?):
            let body = try codec.text(lease)
            try run(
                "INSERT INTO lease VALUES (?1, ?2, ?3) ON CONFLICT (run) DO UPDATE SET body = ?2, sum = ?3",
                [path, body, Checksum.of(body)])
        case .lease(let path, nil): try run("DELETE FROM lease WHERE run = ?", [path])
        case .job(let id, let job?):
            let body = try codec.text(job)
            try run(
                """
                INSERT INTO job VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (id) DO UPDATE SET name = ?2, next_ms = ?3, body = ?4, sum = ?5
                """, [id.description, job.name, job.nextDue, body, Checksum.of(body)])
        case .job(let id, nil): try run("DELETE FROM job WHERE id = ?", [id.description])
        case .jobRun(let jobRun):
            try run(
                "INSERT OR REPLACE INTO job_run VALUES (?, ?, ?, ?, ?)",
                [jobRun.job.description, jobRun.due, jobRun.at, jobRun.result.rawValue, jobRun.sentinel?.description])
        case .doubt, .progress, .unsettled, .isDown, .work, .turnTries, .quiet, .jobsArmed, .timer, .timersPassed: break
        }
    }

    private func write(_ sentinel: Sentinel) throws {
        let body = try codec.text(sentinel)
        try run(
            """
            INSERT INTO sentinel (id, session, target, state, requested_ms, ended_ms, wake, body, sum)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (id) DO UPDATE SET state = ?4, ended_ms = ?6, wake = ?7, awaits_adoption = 0, body = ?8, sum = ?9
            """,
            [
                sentinel.id.description, sentinel.session.description, sentinel.target.description, sentinel.stateName,
                sentinel.requestedAt.wallMilliseconds, sentinel.isOpen ? nil : sentinel.stateSince.wallMilliseconds,
                sentinel.wake?.description, body, Checksum.of(body),
            ])
    }

    private func write(_ wake: Wake) throws {
        let body = try codec.text(wake)
        try run(
            """
            INSERT INTO wake (id, session, route, state, sequence, opened_ms, ended_ms, body, sum)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (id) DO UPDATE SET state = ?4, ended_ms = ?7, awaits_adoption = 0, body = ?8, sum = ?9
            """,
            [
                wake.id.description, wake.session.description, wake.route.description, wake.state.rawValue, wake.sequence,
                wake.openedAt.wallMilliseconds, wake.state == .ended ? wake.stateSince.wallMilliseconds : nil, body,
                Checksum.of(body),
            ])
    }

    private func write(_ delivery: Delivery) throws {
        let body = try codec.text(delivery)
        try run(
            """
            INSERT INTO delivery (id, session, route, state, sequence, body, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (id) DO UPDATE SET route = ?3, state = ?4, awaits_adoption = 0, body = ?6, sum = ?7
            """,
            [
                delivery.id.description, delivery.session.description, delivery.route.description, delivery.stateName,
                delivery.sequence, body, Checksum.of(body),
            ])
    }

    private func write(_ turn: Turn) throws {
        let body = try codec.text(turn)
        try run(
            """
            INSERT INTO turn VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (id) DO UPDATE SET state = ?4, ended_ms = ?6, body = ?7, sum = ?8
            """,
            [
                turn.id.description, turn.session.description, turn.agent, turn.stateName, turn.startedAt.wallMilliseconds,
                turn.endedAt?.wallMilliseconds, body, Checksum.of(body),
            ])
    }

    private func write(_ id: DeliveryID, _ number: Int, _ moment: Moment, _ result: String) throws {
        try run(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?)",
            [id.description, number, moment.wallMilliseconds, result, try codec.text(moment)])
    }

    /// Rows of the inbox grow for ever: the mark keeps a number from being used twice, at no cost to whoever appends.
    private func remove(_ row: Int64) throws {
        try run("DELETE FROM inbox WHERE row = ?", [row])
        try run("UPDATE meta SET value = max(value, ?) WHERE key = 'inbox'", [row])
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
