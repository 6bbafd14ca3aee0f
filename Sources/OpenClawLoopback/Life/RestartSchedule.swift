import Foundation

extension GatewayState {
    /// The time that a client is told to expect between two lives.
    static let expectedMilliseconds = 1_500

    /// Schedules a restart: there is one slot, and a later request may only make it earlier.
    ///
    /// - Parameters:
    ///   - reason: why.
    ///   - delay: the wish, in milliseconds; `nil` for 2,000, at most 60,000.
    /// - Returns: the `restart` object of the reply.
    mutating func scheduleRestart(reason: String, delay: Int?) -> JSON {
        let now = ContinuousClock.now
        let delay = min(max(0, delay ?? 2_000), 60_000)
        let ready = (lastRestart ?? now - options.restartCooldown) + options.restartCooldown
        let cooldown = max(0, (ready - now).milliseconds)
        let due = now + .milliseconds(delay + cooldown)
        let isCoalesced = life.pendingRestart != nil
        if due < life.pendingRestart?.due ?? due + .seconds(1) { awaitRestart(.init(reason: reason, due: due)) }
        log.record(
            "restart_scheduled",
            ["reason": .string(reason), "delay_ms": JSON(delay + cooldown), "coalesced": .bool(isCoalesced)])
        return .members([
            "ok": true, "pid": JSON(Int(ProcessInfo.processInfo.processIdentifier)),
            "signal": .string(options.generation.restartSignal),
            "delayMs": JSON(delay), "reason": .string(reason), "mode": "emit", "coalesced": .bool(isCoalesced),
            "cooldownMsApplied": JSON(cooldown),
            "emitHooksQueued": options.generation == .newest ? .bool(!isCoalesced) : nil,
        ])
    }

    private mutating func awaitRestart(_ pending: Life.PendingRestart) {
        life.pendingRestart = pending
        let number = life.number
        life.spawn { gateway in
            guard await gateway.wait(pending.due - .now) else { return }
            _ = gateway.inLife(number) { state in
                // An earlier one may have taken its place.
                if state.life.pendingRestart?.due == pending.due { state.restart(reason: pending.reason) }
            }
        }
    }

    /// Restarts now.
    mutating func restart(reason: String) {
        lastRestart = .now
        shutDown(cause: "restart", reason: reason, expectedMilliseconds: Self.expectedMilliseconds)
    }
}
