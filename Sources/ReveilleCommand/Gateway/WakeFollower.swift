import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// What the ledger says of one sentinel and its wake at one time.
struct WakePicture {
    let sentinel: SentinelID
    let target: RestartTarget
    /// Nil while it waits in the inbox.
    let row: Sentinel?
    let wake: WakeRecord?
    /// The place that is to be woken.
    let route: Route
    let gates: Gates

    /// One thing that has a state.
    struct Line: Hashable {
        /// What has it.
        let topic: String
        /// The state.
        let words: String
    }

    /// What there is to say, in the order in which it happens.
    var lines: [Line] {
        var lines = [Line(topic: "daemon", words: gates.isDaemonUp ? "up" : "down; nobody is woken until it runs")]
        guard let row else { return lines + [Line(topic: "sentinel", words: "durable, waits for the daemon")] }
        if gates.isDaemonUp {
            lines.append(
                Line(topic: route.channel.description, words: (gates.channels[route.channel] ?? .unknown).words))
        }
        lines.append(Line(topic: "sentinel", words: Self.words(row)))
        for delivery in wake?.deliveries ?? [] {
            lines.append(
                Line(topic: delivery.id.kind.rawValue, words: delivery.words(waitsFor: gates.shut(delivery))))
        }
        return lines
    }

    private static func words(_ sentinel: Sentinel) -> String {
        switch sentinel.state {
        case .armed, .restarting: "waits for the restart of \(sentinel.target.words)"
        case .fired: "a new life of \(sentinel.target.words) was seen: \(sentinel.reason ?? sentinel.stateName)"
        default: sentinel.stateName + (sentinel.reason.map { ": \($0)" } ?? "")
        }
    }

    /// How it ended; nil while something is still to come.
    var ending: Result<Void, Complaint>? {
        guard let row, !row.isOpen else { return nil }
        guard let wake else { return Self.ending(withoutWake: row) }
        guard wake.wake.state == .ended else { return nil }
        let missing = wake.deliveries.filter { if case .delivered = $0.state { false } else { true } }
        guard !missing.isEmpty else { return .success(()) }
        let words = missing.map { "\($0.id.kind.rawValue) \($0.words(waitsFor: nil))" }.joined(separator: "; ")
        return .failure(
            Complaint(
                .unavailable, "the wake has ended, and not all of it arrived: \(words)",
                hint: "reveille wake show \(wake.wake.id)"))
    }

    private static func ending(withoutWake row: Sentinel) -> Result<Void, Complaint>? {
        switch row.state {
        // Its wake is written in the same step.
        case .fired, .armed, .restarting: nil
        case .cancelled: .failure(Complaint(.noInput, "sentinel \(row.id) was taken back; nobody is woken"))
        case .notRestarted, .targetFailed, .expired:
            .failure(
                Complaint(
                    .unavailable, "\(row.target.words) did not restart: \(row.reason ?? row.stateName)",
                    hint: "The session is told so; reveille sentinel show \(row.id)"))
        }
    }
}

/// Tells each step of a wake, from the ledger, until it has ended. It changes nothing: ending it loses nothing.
struct WakeFollower {
    let client: LedgerClient
    let request: RestartRequest
    let route: Route
    let limit: Duration
    let json: Bool

    /// Follows.
    ///
    /// - Throws: ``Complaint``: 75 where the time is over, 69 where the wake ended otherwise than it should.
    func run() async throws {
        let deadline = ContinuousClock.now.advanced(by: limit)
        var told: [String: String] = [:]
        // Only changes of the log give hints; the time limit and a daemon that dies are looked for.
        for await _ in try InboxWatcher(client.folder, lookEvery: .milliseconds(500)).hints() {
            let picture = try picture()
            for line in picture.lines where told[line.topic] != line.words {
                told[line.topic] = line.words
                tell(line)
            }
            if let ending = picture.ending { return try ending.get() }
            guard ContinuousClock.now < deadline else {
                throw Complaint(
                    .tryLater, "the wake has not ended within \(DurationText.format(limit)); it goes on all the same",
                    hint: "reveille sentinel show \(request.id)")
            }
        }
    }

    private func picture() throws -> WakePicture {
        var row: Sentinel?
        do { row = try client.reader.sentinel(request.id.description) } catch {
            // Not found is still in the inbox.
            guard error.code == .notFound else { throw error }
        }
        return WakePicture(
            sentinel: request.id, target: request.target, row: row,
            wake: try row?.wake.map { try client.reader.wake($0.description) }, route: row?.route ?? route,
            gates: try LedgerAccess.gates(client))
    }

    private func tell(_ line: WakePicture.Line) {
        guard json else { return Printing.line("\(line.topic): \(Printing.oneLine(line.words, maximumCharacters: 300))") }
        Printing.json(["topic": .string(line.topic), "state": .string(line.words)])
    }
}
