import ControlServer
import GatewayProtocol
import ReveilleConfiguration
import Schedules
import WakeCore
import WakeService

/// The methods about jobs.
extension Desk {
    /// `cron.add {name?, schedule, sessionTarget?, sessionKey?, agentId?, payload, delivery?, …}`: a job, once for its idempotency key.
    func cronAdd(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let asked = JobFields(&fields)
        let key = idempotencyKey(&fields, isNeeded: false)
        try fields.finish()
        let now = parts.moments.now()
        return try await once(call, key) { (_: Moment?) async throws(GatewayFault) in
            var dice = self.parts.dice.roll()
            let id = key.map { Self.identifier(call, $0) } ?? dice.identifier()
            let job = try self.job(asked, id, at: now)
            try self.allow(job.session, call.caller)
            guard try await self.parts.thread.jobCount() < Job.maximum else {
                throw GatewayFault(.invalidRequest, "there are \(Job.maximum) jobs already")
            }
            try await self.order(.add(job))
            return Self.shown(job, nil)
        }
    }

    private func job(_ asked: JobFields, _ id: JobID, at now: Moment) throws(GatewayFault) -> Job {
        do {
            let configuration = parts.live.configuration
            let session = try JobSession(
                asked.sessionWords, agent: asked.agent, job: id, configuration,
                variables: asked.sessionKey.map { ["REVEILLE_SESSION": $0] } ?? [:])
            let wish = JobWish(
                id: id, name: asked.name, schedule: try asked.schedule(now: now.wallMilliseconds), announcing: asked.announcing,
                isLight: asked.isLight)
            let route = try route(session.key, asked.context)
            if asked.announcing == .never, !configuration.takesTurns(session.key, over: route) {
                throw GatewayFault(
                    .invalidRequest, "nobody takes turns of \(session.key), so that with delivery.mode none nobody would hear it")
            }
            return try wish.job(session, route, asked.message, at: now)
        } catch let fault as GatewayFault {
            throw fault
        } catch let complaint as Complaint {
            throw GatewayFault(.invalidRequest, complaint.line)
        } catch {
            throw GatewayFault(.invalidRequest, "\(error)")
        }
    }

    /// `cron.list {limit?, includeDisabled?, agentId?, query?}`.
    func cronList(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let limit = Int(fields.optionalInteger("limit", 1...10_000) ?? 10_000)
        let isAll = fields.optionalBool("includeDisabled") ?? true
        let agent = fields.optionalText("agentId", 1...64)
        let query = fields.optionalText("query", 1...200)?.lowercased()
        try fields.finish()
        let (jobs, last) = try await parts.thread.jobs()
        let found = jobs.filter { job in
            mayName(job.session, call.caller) && (isAll || job.isEnabled) && (agent == nil || job.session.agent == agent)
                && (query.map { "\(job.name) \(job.message) \(job.session)".lowercased().contains($0) } ?? true)
        }
        return [
            "jobs": .array(found.prefix(limit).map { Self.shown($0, last[$0.id]) }), "total": .integer(Int64(found.count)),
            "ts": .integer(parts.moments.now().wallMilliseconds),
        ]
    }

    /// `cron.status`.
    func cronStatus(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let (jobs, _) = try await parts.thread.jobs()
        var object: JSONObject = ["enabled": true, "jobs": .integer(Int64(jobs.count))]
        object["nextWakeAtMs"] = jobs.compactMap(\.nextDue).min().map { .integer($0) }
        return .object(object)
    }

    /// `cron.get {id | jobId}`.
    func cronGet(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let job = try await job(call)
        return Self.shown(job, try await parts.thread.jobRuns(of: job.id, limit: 1).first)
    }

    /// `cron.runs {id? | jobId?, limit?}`.
    func cronRuns(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let text = fields.optionalText("id", 1...200) ?? fields.optionalText("jobId", 1...200)
        let limit = Int(fields.optionalInteger("limit", 1...1_000) ?? 50)
        try fields.finish()
        guard text != nil || call.caller.sessions == nil else {
            throw GatewayFault(
                .forbidden, "a caller that may name some sessions only must say which job",
                details: ["code": "SESSION_FORBIDDEN"])
        }
        var id: JobID?
        if let text {
            let job = try await parts.thread.job(text)
            try allow(job.session, call.caller)
            id = job.id
        }
        let runs = try await parts.thread.jobRuns(of: id, limit: limit)
        return [
            "entries": .array(
                runs.map { run in
                    var entry: JSONObject = [
                        "jobId": .string(run.job.description), "action": "finished", "status": .string(run.result.rawValue),
                        "dueAtMs": .integer(run.due), "ts": .integer(run.at),
                    ]
                    entry["sentinel"] = run.sentinel.map { .string($0.description) }
                    return .object(entry)
                })
        ]
    }

    /// `cron.run {id | jobId, mode?}`: now, beside its times; with `mode: due` only if it is due, which it then runs by itself.
    func cronRun(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let text = fields.optionalText("id", 1...200) ?? fields.optionalText("jobId", 1...200)
        let mode = fields.optionalWord("mode", ["due", "force"]) ?? "force"
        if text == nil { fields.complain("id", "is missing") }
        let key = idempotencyKey(&fields, isNeeded: false)
        try fields.finish()
        guard let text else { return nil }
        return try await once(call, key) { (_: Moment?) async throws(GatewayFault) in
            let job = try await self.parts.thread.job(text)
            try self.allow(job.session, call.caller)
            if mode == "due" { return ["ok": true, "ran": false, "reason": "not-due"] }
            try await self.order(.run(job.id))
            return ["ok": true, "ran": true, "jobId": .string(job.id.description), "durable": true]
        }
    }

    /// `cron.remove {id | jobId}`.
    func cronRemove(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let job = try await job(call)
        try await order(.remove(job.id))
        return ["ok": true, "removed": true, "jobId": .string(job.id.description), "durable": true]
    }

    private func job(_ call: ControlCall) async throws(GatewayFault) -> Job {
        var fields = FieldReader(call.params, in: call.method)
        let text = fields.optionalText("id", 1...200) ?? fields.optionalText("jobId", 1...200)
        if text == nil { fields.complain("id", "is missing") }
        try fields.finish()
        let job = try await parts.thread.job(text ?? "")
        try allow(job.session, call.caller)
        return job
    }

    private func order(_ order: JobOrder) async throws(GatewayFault) {
        try await parts.thread.append(.job(order))
        parts.waker.inboxMayHaveChanged()
    }

    /// A job in a gateway's words.
    private static func shown(_ job: Job, _ last: JobRun?) -> JSONValue {
        var state: JSONObject = [:]
        state["nextRunAtMs"] = job.nextDue.map { .integer($0) }
        state["lastRunAtMs"] = last.map { .integer($0.at) }
        state["lastRunStatus"] = last.map { .string($0.result.rawValue) }
        var object: JSONObject = [
            "id": .string(job.id.description), "name": .string(job.name), "enabled": .bool(job.isEnabled),
            "createdAtMs": .integer(job.createdAt.wallMilliseconds), "schedule": JobFields.schedule(job),
            "sessionTarget": .string(job.isIsolated ? "isolated" : "session:\(job.session)"),
            "sessionKey": .string(job.session.description), "deleteAfterRun": .bool(job.isOneShot),
            "payload": ["kind": "agentTurn", "message": .string(job.message), "lightContext": .bool(job.isLight)],
            "delivery": ["mode": job.announcing == .always ? "announce" : job.announcing == .never ? "none" : "auto"],
            "state": .object(state),
        ]
        object["agentId"] = job.session.agent.map { .string($0) }
        object["route"] = (job.route ?? job.session.route).map { .string($0.description) }
        return .object(object)
    }
}

/// What `cron.add` asks for.
struct JobFields {
    let name: String?
    let sessionWords: String?
    let sessionKey: String?
    let agent: String?
    let message: String
    let isLight: Bool
    let announcing: Job.Announcing
    let context: DeliveryContext?
    private let zone: String?
    private let at: String?
    private let everyMilliseconds: Int64?
    private let anchor: Int64?
    private let expression: String?

    init(_ fields: inout FieldReader) {
        name = fields.optionalText("name", 1...Job.nameBytes)
        let target = fields.optionalText("sessionTarget", 1...520)
        sessionWords = target.map { $0.hasPrefix("session:") ? String($0.dropFirst(8)) : $0 }
        sessionKey = fields.optionalText("sessionKey", 1...512)
        agent = fields.optionalText("agentId", 1...64)
        _ = fields.optionalWord("wakeMode", ["now", "next-heartbeat"])
        _ = fields.optionalText("description", 0...2_000)
        _ = fields.optionalBool("deleteAfterRun")
        if fields.optionalBool("enabled") == false { fields.complain("enabled", "can't be false: add it when it is wanted") }
        (zone, at, everyMilliseconds, anchor, expression) = Self.schedule(&fields)
        (message, isLight) = Self.payload(&fields)
        (announcing, context) = Self.delivery(&fields)
    }

    private static func schedule(_ fields: inout FieldReader) -> (String?, String?, Int64?, Int64?, String?) {
        guard var inner = fields.optionalObject("schedule") else {
            fields.complain("schedule", "is missing")
            return (nil, nil, nil, nil, nil)
        }
        defer { fields.join(inner) }
        let zone = inner.optionalText("tz", 1...64)
        switch inner.optionalWord("kind", ["at", "every", "cron"]) {
        case "at"?: return (zone, inner.text("at", 1...64), nil, nil, nil)
        case "every"?:
            let milliseconds = inner.integer("everyMs", 1_000...3_162_240_000_000)
            return (nil, nil, milliseconds, inner.optionalInteger("anchorMs", 0...Int64.max / 2), nil)
        case "cron"?: return (zone, nil, nil, nil, inner.text("expr", 1...256))
        default:
            inner.complain("kind", "must be at, every or cron")
            return (nil, nil, nil, nil, nil)
        }
    }

    private static func payload(_ fields: inout FieldReader) -> (String, Bool) {
        guard var inner = fields.optionalObject("payload") else {
            fields.complain("payload", "is missing")
            return ("", false)
        }
        defer { fields.join(inner) }
        let kind = inner.optionalWord("kind", ["systemEvent", "agentTurn"])
        if kind == nil { inner.complain("kind", "must be systemEvent or agentTurn") }
        return (
            inner.text(kind == "systemEvent" ? "text" : "message", 1...Limits.noteBytes) ?? "",
            inner.optionalBool("lightContext") ?? false
        )
    }

    private static func delivery(_ fields: inout FieldReader) -> (Job.Announcing, DeliveryContext?) {
        guard var inner = fields.optionalObject("delivery") else { return (.ifNeeded, nil) }
        defer { fields.join(inner) }
        let mode = inner.optionalWord("mode", ["none", "announce", "auto"])
        _ = inner.optionalBool("bestEffort")
        let context = DeliveryContext(&inner)
        return (mode == "announce" ? .always : mode == "none" ? .never : .ifNeeded, context.to == nil ? nil : context)
    }

    func schedule(now: Int64) throws -> JobSchedule {
        if let everyMilliseconds { return .every(seconds: everyMilliseconds / 1_000, anchor: anchor ?? now) }
        return try JobSchedule(at: at, every: nil, cron: expression, zone: zone, now: now)
    }

    /// A schedule in a gateway's words.
    static func schedule(_ job: Job) -> JSONValue {
        switch try? JobTimes.schedule(job.schedule) {
        case .at(let time)?: ["kind": "at", "at": .string(WallTime.text(milliseconds: time))]
        case .every(let seconds, let anchor)?:
            ["kind": "every", "everyMs": .integer(seconds * 1_000), "anchorMs": .integer(anchor)]
        case .cron(let expression, let zone)?: ["kind": "cron", "expr": .string("\(expression)"), "tz": .string(zone)]
        case nil: ["kind": "unknown"]
        }
    }
}
