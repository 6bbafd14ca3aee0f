/// Tells whether a change would take access to the control plane away.
struct Lockout {
    let before: Configuration
    let after: Configuration
    /// Who asks: `uid:1000`, `token`, or nobody in particular.
    let caller: String?
    let surroundings: Surroundings

    init(before: Configuration, after: Configuration, caller: String?, in surroundings: Surroundings) {
        self.before = before
        self.after = after
        self.caller = caller
        self.surroundings = surroundings
    }

    /// Each in one sentence; none if the change takes nothing away.
    var reasons: [String] {
        var reasons: [String] = []
        let hadToken = isTokenUsable(before)
        let hasToken = isTokenUsable(after)
        if hadToken, !hasToken {
            reasons.append(
                after.control.tokenLocation == nil
                    ? "the control token would be gone" : "the control token could not be read from where it would be then")
        }
        if before.control.socketPath != nil, after.control.socketPath == nil { reasons.append("the Unix socket would be gone") }
        if caller == "token", before.control.port != 0, after.control.port == 0 {
            reasons.append("the daemon would not listen on a port any more")
        }
        let hadWay = before.control.socketPath != nil || (hadToken && before.control.port != 0)
        let hasWay = after.control.socketPath != nil || (hasToken && after.control.port != 0)
        if hadWay, !hasWay { reasons.append("no way in would be left") }
        return reasons + peerReasons
    }

    private var peerReasons: [String] {
        guard let caller, caller.hasPrefix("uid:"), let uid = UInt32(caller.dropFirst(4)),
            let entry = before.control.peers[uid]
        else { return [] }
        guard let remaining = after.control.peers[uid] else { return ["the entry of user \(uid), who asks, would be gone"] }
        let lost = Configuration.Control.scopes.filter { entry.scopes.contains($0) && !remaining.scopes.contains($0) }
        return lost.isEmpty ? [] : ["user \(uid), who asks, would lose \(lost.joined(separator: ", "))"]
    }

    private func isTokenUsable(_ configuration: Configuration) -> Bool {
        do { return try ControlToken.load(for: configuration, in: surroundings) != nil } catch { return false }
    }
}
