import ControlServer
import GatewayProtocol
import Logging
import ReveilleConfiguration
import WakeCore
import WakeService

/// The methods that read and change the configuration.
extension Desk {
    func configGet(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        let picture = try await parts.thread.picture()
        var object: JSONObject = [
            "path": .string(picture.path), "exists": .bool(picture.exists), "raw": .null, "parsed": picture.parsed, "valid": true,
            "config": picture.parsed, "hash": .string(picture.hash), "issues": [],
            "warnings": .array((picture.configuration.warnings + picture.shadowed.map { Self.shadowed($0) }).map { .string($0) }),
        ]
        object["raw"] = picture.raw.map { .string($0) }
        return .object(object)
    }

    func configLookup(_ call: ControlCall) throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let path = fields.text("path", 1...1_024)
        try fields.finish()
        do { return try SchemaLookup.lookup(path ?? "") } catch { throw GatewayFault(error) }
    }

    func configPatch(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? { try await change(call, .patch) }
    func configApply(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? { try await change(call, .apply) }
    func configSet(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? { try await change(call, .set) }
    func configRevert(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? { try await change(call, .revert) }

    func configLog(_ call: ControlCall) async throws(GatewayFault) -> JSONValue? {
        var fields = FieldReader(call.params, in: call.method)
        let limit = fields.optionalInteger("limit", 1...10_000) ?? 100
        try fields.finish()
        return ["entries": .array(try await parts.thread.log(limit: Int(limit)).map(\.json))]
    }

    // MARK: One change

    private enum Kind { case patch, apply, set, revert }

    /// What a caller asks for.
    private struct Wish {
        var change: ConfigurationChange?
        var revert: Int?
        var session: SessionKey?
        var context: DeliveryContext?
        var note: String?
        var delay: Duration?
        var isDryRun: Bool
        var isForced: Bool
    }

    private func wish(_ call: ControlCall, _ kind: Kind) throws(GatewayFault) -> Wish {
        var fields = FieldReader(call.params, in: call.method)
        let raw = kind == .revert ? nil : fields.text("raw", 1...(1 << 20))
        let number = kind == .revert ? fields.integer("number", 1...99_999_999) : nil
        let hash = fields.optionalText("baseHash", 1...128)
        let paths = kind == .patch ? fields.optionalTexts("replacePaths", count: 256, bytes: 1...1_024) : nil
        let session = sessionKey(&fields, "sessionKey", isNeeded: false)
        let context = deliveryContext(&fields)
        let note = fields.optionalText("note", 1...Limits.noteBytes)
        let delay = fields.optionalInteger("restartDelayMs", 0...GatewayLimits.restartDelayMilliseconds)
        let isDryRun = fields.optionalBool("dryRun") ?? false
        let isForced = fields.optionalBool("force") ?? false
        if session == nil, note != nil { fields.complain("note", "has nobody to be told to: name a sessionKey") }
        try fields.finish()
        let change: ConfigurationChange? = raw.map {
            kind == .patch ? .patch(raw: $0, replacePaths: paths ?? [], baseHash: hash) : .apply(raw: $0, baseHash: hash)
        }
        return Wish(
            change: change, revert: number.map { Int($0) }, session: session, context: context, note: note,
            delay: delay.map { .milliseconds($0) }, isDryRun: isDryRun, isForced: isForced)
    }

    private func change(_ call: ControlCall, _ kind: Kind) async throws(GatewayFault) -> JSONValue? {
        let wish = try wish(call, kind)
        // Who and where is checked before anything is planned: a patch whose wake can't be kept is refused whole.
        let wanted: RestartRequest? =
            try wish.session.map { session throws(GatewayFault) in
                try request(
                    call, session, wish.note ?? "The configuration was changed. Go on where you were.", wish.context,
                    target: .daemon, delay: .zero, isOurs: true, key: nil)
            }
        return try await parts.thread.oneAtATime { () async throws(GatewayFault) in
            let plan = try await self.parts.thread.plan(wish.change, revert: wish.revert, caller: Self.name(call.caller))
            guard plan.locksOut.isEmpty || wish.isForced else {
                throw GatewayFault(
                    .invalidRequest, "this would lock the caller out: \(plan.locksOut.joined(separator: "; "))",
                    details: ["code": "LOCKOUT", "hint": "send force: true if that is meant"])
            }
            if !plan.changedPaths.isEmpty { try await self.parts.thread.check(plan.resulting, self.parts.live) }
            return try await self.carryOut(plan, wish, wanted, call, persistsOnly: kind == .set)
        }
    }

    private func carryOut(
        _ plan: ConfigurationPlan, _ wish: Wish, _ wanted: RestartRequest?, _ call: ControlCall, persistsOnly: Bool
    ) async throws(GatewayFault) -> JSONValue {
        var reply = Self.reply(plan)
        let needsRestart = plan.needs == .daemonRestart && !persistsOnly
        let restart =
            needsRestart ? await parts.restarts.plan(after: wish.delay ?? parts.live.configuration.restarts.defaultDelay) : nil
        reply["restart"] = restart.map { .object(Self.shown($0, call.method)) } ?? ["ok": true, "scheduled": false]
        guard !wish.isDryRun else {
            reply["dryRun"] = true
            return .object(reply)
        }
        // The sentinel first: no restart begins, and no patch that needs one is taken, before its wake is on disk.
        var request = wanted
        if let restart, wanted != nil {
            // Time to store the patch, or to take the sentinel back.
            request?.delay = max(restart.delay, .milliseconds(250))
            request?.requestedAt = parts.moments.now()
            // The waker hears of it only when the patch is stored: it may restart the daemon at once.
            if let request { try await parts.thread.append(.request(request)) }
        }
        let entry: ConfigurationPatchEntry
        do throws(GatewayFault) {
            entry = try await parts.thread.commit(
                plan, by: Self.name(call.caller), note: wish.note, session: wish.session?.description,
                at: parts.moments.now().wallMilliseconds)
        } catch {
            if restart != nil, let request {
                try? await parts.thread.append(.command(.cancelSentinel(request.id)))
                parts.waker.inboxMayHaveChanged()
            }
            throw error
        }
        if restart != nil, request != nil { parts.waker.inboxMayHaveChanged() }
        if !plan.changedPaths.isEmpty {
            reply["entry"] = .integer(Int64(entry.number))
            await takeOver(plan, &reply)
        }
        if let restart {
            if let request {
                await parts.restarts.announce(restart)
                reply["sentinel"] = ["id": .string(request.id.description), "durable": true]
                reply["wake"] = ["stored": true, "sessionKey": .string(request.session.description)]
            } else {
                await parts.restarts.carryOut(restart, because: call.method)
            }
        }
        if reply["wake"] == nil {
            reply["wake"] = [
                "stored": false,
                "reason": .string(restart == nil ? "nothing restarts, so nobody is cut off" : "no sessionKey was given"),
            ]
        }
        return .object(reply)
    }

    /// What needs no restart is in force before the answer.
    private func takeOver(_ plan: ConfigurationPlan, _ reply: inout JSONObject) async {
        do {
            let takeover = try await parts.thread.takeOver(parts.live)
            reply["restartedChannels"] = .array(takeover.channels.map { .string($0.description) })
        } catch {
            parts.logger.error("a patch was stored and could not be taken over", metadata: [LogKey.error: "\(error)"])
            reply["warnings"] = .array((reply["warnings"]?.array ?? []) + [.string("stored, but not in force yet: \(error)")])
        }
        parts.face.publish(
            GatewayEvent(
                "config.changed",
                payload: [
                    "path": .string(parts.live.configuration.files.first?.path ?? ""), "hash": .string(plan.hashAfter),
                    "changedPaths": .array(plan.changedPaths.map { .string($0) }),
                    "ts": .integer(parts.moments.now().wallMilliseconds),
                ]))
    }

    // MARK: Words

    private static func reply(_ plan: ConfigurationPlan) -> JSONObject {
        var reply: JSONObject = [
            "ok": true, "path": .string(plan.resulting.files.first?.path ?? ""),
            "changedPaths": .array(plan.changedPaths.map { .string($0) }), "needs": .string(plan.needs.rawValue),
            "hash": .string(plan.hashAfter), "config": plan.patch,
            "effects": .array(plan.effects.map { ["path": .string($0.path), "needs": .string($0.effect.rawValue)] }),
        ]
        if !plan.shadowed.isEmpty { reply["warnings"] = .array(plan.shadowed.map { .string(shadowed($0)) }) }
        return reply
    }

    static func shown(_ plan: RestartDesk.Plan, _ reason: String) -> JSONObject {
        [
            "ok": true, "scheduled": true, "coalesced": .bool(plan.isCoalesced),
            "delayMs": .integer(plan.delay.wholeMilliseconds),
            "cooldownMsApplied": .integer(plan.cooldown.wholeMilliseconds), "mode": "supervisor", "reason": .string(reason),
        ]
    }

    private static func shadowed(_ path: String) -> String {
        "\(path) is set by the environment or a flag of the daemon, which win over any file"
    }

    static func name(_ caller: ControlCaller) -> String {
        switch caller.proof {
        case .token: "token"
        case .device(let id): "device:\(id)"
        case .peer(let uid, _): "uid:\(uid)"
        }
    }
}

extension GatewayFault {
    /// What is wrong with a change, as a caller hears it.
    init(_ fault: ChangeFault) {
        var details: JSONObject = [:]
        if !fault.issues.isEmpty {
            details["issues"] = .array(fault.issues.map { ["path": .string($0.path), "message": .string($0.message)] })
        }
        details["hint"] = fault.hint.map { .string($0) }
        let message = ([fault.message] + fault.issues.map { "\($0.path): \($0.message)" }).joined(separator: "; ")
        switch fault.code {
        case .conflict(let hash):
            details["code"] = "CONFIG_CONFLICT"
            details["currentHash"] = .string(hash)
        case .baseHashMissing(let hash):
            details["code"] = "BASE_HASH_REQUIRED"
            details["currentHash"] = .string(hash)
        case .locked, .diskFull, .storage:
            details["reason"] = .string(fault.code == .diskFull ? "disk-full" : fault.code == .locked ? "locked" : "storage")
            self.init(.unavailable, message, details: details, isRetryable: fault.code != .storage, retryAfterMilliseconds: 1_000)
            return
        default: break
        }
        self.init(.invalidRequest, message, details: details)
    }
}
