import Foundation

// The sentinel of March 2026: a file, and one try.
extension GatewayState {
    var sentinelPath: String { options.stateDirectory + "/restart-sentinel.json" }

    /// Writes the file as OpenClaw did: in place.
    func writeSentinelFile(_ payload: JSON) {
        let envelope: JSON = ["version": 1, "payload": payload]
        do { try Data(envelope.prettyText.utf8).write(to: URL(filePath: sentinelPath)) } catch {
            log.record("state_error", ["message": .string("\(error)")])
        }
    }

    /// Reads the file and deletes it; what can't be read is deleted too.
    fileprivate func takeSentinelFile() -> JSON? {
        guard let bytes = FileManager.default.contents(atPath: sentinelPath) else { return nil }
        try? FileManager.default.removeItem(atPath: sentinelPath)
        guard let envelope = JSON(parsing: String(decoding: bytes, as: UTF8.self)), envelope["version"] == 1,
            let payload = envelope["payload"], payload.object != nil
        else {
            log.record("sentinel_consumed", ["outcome": "damaged"])
            return nil
        }
        return payload
    }
}

extension Gateway {
    /// Takes the file, then tries once to say what it says. Nothing is left of it, whatever becomes of that.
    func consumeSentinelFile(_ number: Int) async {
        let ping: (text: String, route: Route)?? = inLife(number) { state in
            guard let payload = state.takeSentinelFile() else { return nil }
            let session = payload["sessionKey"]?.filled
            let route = session.flatMap { Route(payload["deliveryContext"]) ?? state.route(of: $0) }
            state.log.record(
                "sentinel_consumed", ["sentinel": payload, "outcome": route == nil ? "system-event" : "send"])
            let text = SentinelText.forPeople(payload)
            if let route { return (text, route) }
            state.addSystemEvent(text, to: session ?? GatewayState.mainSession)
            return nil
        }
        // Best effort: a failure is swallowed.
        if let ping = ping.flatMap(\.self) { _ = try? await post(ping.text, to: ping.route, source: "ping", life: number) }
    }
}

/// What people and agents read of a sentinel.
enum SentinelText {
    static func forPeople(_ payload: JSON) -> String {
        let message = payload["message"]?.filled
        guard let stats = payload["stats"], stats.object != nil else { return message ?? summary(payload, mode: nil) }
        let reason = stats["reason"]?.filled.map { "Reason: \($0)" }
        return [summary(payload, mode: stats["mode"]?.filled), message, reason].compactMap(\.self).joined(separator: "\n")
    }

    private static func summary(_ payload: JSON, mode: String?) -> String {
        let kind = payload["kind"]?.string ?? "restart"
        return "Gateway restart \(kind) \(payload["status"]?.string ?? "ok")" + (mode.map { " (\($0))" } ?? "")
    }
}
