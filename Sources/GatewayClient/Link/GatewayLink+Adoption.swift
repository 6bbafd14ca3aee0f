import GatewayProtocol
import Logging
import OpenClawFacts
import Synchronization
import WakeCore
import WakeService

/// Restarts that the gateway was asked for itself: its record of them is taken up before it is consumed.
extension GatewayLink {
    /// Follows the file until cancelled.
    ///
    /// - Parameters:
    ///   - watch: the file.
    ///   - looked: told once what lay there at first is taken up.
    func watch(_ watch: SentinelFileWatch, _ looked: Pending<Void>) async {
        for await finding in watch.findings() {
            await take(finding)
            looked.resolve(.success(()))
        }
        looked.resolve(.success(()))
    }

    func take(_ finding: SentinelFileFinding) async {
        switch finding {
        case .absent: break
        case .unusable(let reason): complainOfSentinel(reason)
        case .found(let file, let bytes):
            guard let request = adopt(file) else { return }
            report(.requested(request, inboxRow: nil))
            guard settings.adoption == .own, let path = settings.sentinelFile, await parts.isDurable() else { return }
            SentinelFileWatch(path).takeAway(bytes)
        }
    }

    private func complainOfSentinel(_ reason: String) {
        logger.warning(
            "a restart sentinel of the gateway is not taken up",
            metadata: [LogKey.place: "\(settings.target)", LogKey.reason: "\(reason)"])
    }

    /// What is asked for by it; nil where it names nobody who could be woken.
    private func adopt(_ file: RestartSentinelFile) -> RestartRequest? {
        guard let session = file.sessionKey else { return nil }
        guard let route = file.route(gateway: settings.name) ?? session.route?.through(gateway: settings.name) else {
            complainOfSentinel("the session \(session) names no place, and the sentinel neither")
            return nil
        }
        let now = moments.now()
        let note = [file.message, file.continuation?.text].compactMap(\.self).joined(separator: "\n")
        return RestartRequest(
            id: Self.identifier(of: "adopted", settings.name, file.fingerprint), session: session, route: route,
            note: note.isEmpty ? "\(file.summary). Go on with what you were doing." : Self.cut(note), target: settings.target,
            performedByUs: false, epoch: epoch(before: file, at: now), owes: [.notice, .turn], origin: .adopted, requestedAt: now)
    }

    /// The life that wrote it. One that was written before the present life began is of a restart that has happened already.
    private func epoch(before file: RestartSentinelFile, at now: Moment) -> Epoch {
        let (life, isConnected) = state.withLock { ($0.memory.lives.life, $0.connection != nil) }
        guard let life, life.boot == now.boot else { return .down }
        let began = now.wallMilliseconds - (now.boottimeMicroseconds - life.beganMicroseconds) / 1_000
        if isConnected, let at = file.at, at < began { return .down }
        return life.epoch
    }

    private static func cut(_ note: String) -> String {
        guard note.utf8.count > Limits.noteBytes else { return note }
        var cut = note.prefix(Limits.noteBytes - 3)
        while cut.utf8.count > Limits.noteBytes - 3 { cut.removeLast() }
        return cut + "…"
    }

    /// Newer generations keep it in their database, which only they read: they tell it over RPC.
    func adoptFromDatabase(_ connection: GatewayConnection) async {
        let hello = connection.hello
        guard settings.adoption != .off, GatewayHabits(ofVersion: hello.serverVersion).keepsSentinelInDatabase,
            hello.methods.contains("update.status"),
            let answer = try? await connection.call("update.status", [:]), let sentinel = answer["sentinel"],
            sentinel.object != nil
        else { return }
        let payload = sentinel["payload"] ?? sentinel
        let envelope: JSONValue = ["version": 1, "payload": payload]
        do { await take(.found(try RestartSentinelFile(Array(envelope.text.utf8)), bytes: [])) } catch {
            complainOfSentinel("\(error). \(error.hint)")
        }
    }
}
