import Foundation

// The configuration: shown, changed, and what a change takes.
extension Method {
    private static let write: Set<String> = ["raw", "baseHash", "sessionKey", "deliveryContext", "note", "restartDelayMs"]

    static let configMethods: [String: Method] = [
        "config.get": Method(scope: .admin, params: []) { state, _ throws(Refusal) in state.shownConfig },
        "config.patch": Method(scope: .admin, params: write.union(["replacePaths"])) { state, call throws(Refusal) in
            try state.writeConfig(call, kind: "config-patch") { old, new, paths throws(Refusal) in
                do throws(ConfigPatch.Shrinks) { return try ConfigPatch.merge(new, into: old, replacePaths: paths) } catch {
                    throw .invalid("config.patch would shorten the array \(error.path); name it in replacePaths")
                }
            }
        },
        "config.apply": Method(scope: .admin, params: write) { state, call throws(Refusal) in
            try state.writeConfig(call, kind: "config-apply") { _, new, _ throws(Refusal) in new }
        },
        "config.schema.lookup": Method(scope: .admin, isNewest: true, params: ["path"]) { state, call throws(Refusal) in
            try state.lookUp(try call.required("path"))
        },
    ]
}

extension GatewayState {
    fileprivate typealias Change = (_ old: JSON, _ new: JSON, _ replacePaths: Set<String>) throws(Refusal) -> JSON

    fileprivate var shownConfig: JSON {
        let shown = config.shown
        return .members([
            "path": .string(config.path), "exists": true, "raw": .string(shown.prettyText), "parsed": shown, "valid": true,
            "config": shown, "resolved": shown, "hash": .string(config.hash), "issues": [], "warnings": [], "legacyIssues": [],
            "appliedConfigHash": options.generation == .newest ? .string(config.hash) : nil,
        ])
    }

    fileprivate mutating func writeConfig(_ call: Call, kind: String, _ change: Change) throws(Refusal) -> JSON {
        guard let new = JSON(parsing: try call.required("raw"), json5: true), new.object != nil else {
            throw .invalid("invalid config: raw must be a JSON5 object")
        }
        try checkBase(call)
        let paths = Set((call.params["replacePaths"]?.array ?? []).compactMap(\.string))
        let old = config.value
        let merged = ConfigFile.restore(try change(old, new, paths), from: old)
        try checkConfig(merged)
        let changed = ConfigPatch.changes(from: old, to: merged)
        let isNewest = options.generation == .newest
        if !isNewest || !changed.isEmpty { try write(merged, changed) }
        var reply: JSON = ["ok": true, "path": .string(config.path), "config": config.shown]
        if isNewest { reply["changedPaths"] = JSON(changed) }
        // In March every write restarts, even one that changes nothing.
        guard !isNewest || changed.contains(where: { ConfigPatch.reloadKind($0) == "restart" }) else { return reply }
        let mode = kind == "config-patch" ? "config.patch" : "config.apply"
        reply["sentinel"] = writeSentinel(call, kind: kind, mode: mode)
        reply["restart"] = scheduleRestart(reason: mode, delay: call.params["restartDelayMs"]?.int)
        return reply
    }

    private func checkBase(_ call: Call) throws(Refusal) {
        guard let base = call.params["baseHash"]?.filled else {
            throw .invalid("config base hash required; re-run config.get and retry")
        }
        guard base == config.hash else { throw .invalid("config changed since last load; re-run config.get and retry") }
    }

    /// The little of the schema that the stand-in knows: sections are objects, and a port is a port.
    private func checkConfig(_ value: JSON) throws(Refusal) {
        for section in ["gateway", "channels", "agents", "logging", "plugins"] {
            guard let found = value[section], found.object == nil else { continue }
            throw .invalid("invalid config", details: ["issues": [["path": .string(section), "message": "expected object"]]])
        }
        if let port = value["gateway"]?["port"], !(0...65_535).contains(port.int ?? -1) {
            throw .invalid("invalid config", details: ["issues": [["path": "gateway.port", "message": "expected a port"]]])
        }
    }

    private mutating func write(_ value: JSON, _ changed: [String]) throws(Refusal) {
        do { try config.write(value) } catch { throw .unavailable("the configuration could not be written: \(error)") }
        log.record("config_written", ["hash": .string(config.hash), "changed": JSON(changed)])
        guard options.generation == .newest else { return }
        broadcast(
            "config.changed", ["path": .string(config.path), "hash": .string(config.hash), "ts": JSON(unixMilliseconds())])
    }

    /// Leaves word for the next life.
    ///
    /// - Returns: the `sentinel` object of the reply.
    private mutating func writeSentinel(_ call: Call, kind: String, mode: String) -> JSON {
        let session = call.params["sessionKey"]?.filled
        // March knew no deliveryContext in the request: it looked the session up.
        let named = options.generation == .newest ? Route(call.params["deliveryContext"]) : nil
        let route = named ?? session.flatMap { self.route(of: $0) }
        let payload = JSON.members([
            "kind": .string(kind), "status": "ok", "ts": JSON(unixMilliseconds()), "sessionKey": session.map(JSON.string),
            "deliveryContext": route?.json, "message": JSON(call.params["note"]?.filled),
            "doctorHint": "Run: openclaw doctor --non-interactive",
            "stats": ["mode": .string(mode), "root": .string(config.path)],
        ])
        let path: String
        switch options.generation {
        case .march2026:
            writeSentinelFile(payload)
            path = sentinelPath
        case .newest:
            book.revision = max(book.revision + 1, unixMilliseconds())
            book.sentinel = .init(revision: book.revision, payload: payload)
            save()
            path = Book.path(in: options.stateDirectory)
        }
        log.record("sentinel_written", ["sentinel": payload])
        return ["path": .string(path), "payload": payload]
    }

    fileprivate func lookUp(_ path: String) throws(Refusal) -> JSON {
        let isWellFormed = path.unicodeScalars.count <= 1_024 && path.wholeMatch(of: /[A-Za-z0-9_.\/\[\]\-*]+/) != nil
        guard isWellFormed else { throw .invalid("invalid config.schema.lookup params: path is no configuration path") }
        let found = path.split(separator: ".").reduce(JSON?.some(config.value)) { $0?[String($1)] }
        let children = (found?.object ?? [:]).sorted { $0.key < $1.key }.map { key, value -> JSON in
            [
                "key": .string(key), "path": .string("\(path).\(key)"), "required": false,
                "hasChildren": .bool(value.object != nil), "reloadKind": .string(ConfigPatch.reloadKind("\(path).\(key)")),
            ]
        }
        return [
            "path": .string(path), "schema": [:], "reloadKind": .string(ConfigPatch.reloadKind(path)),
            "children": .array(children),
        ]
    }
}
