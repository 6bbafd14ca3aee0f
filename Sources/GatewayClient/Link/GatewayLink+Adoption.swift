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
            await take(finding, isUp: state.withLock { $0.connection != nil })
            looked.resolve(.success(()))
        }
        looked.resolve(.success(()))
    }

    /// Takes up what was found.
    ///
    /// - Parameters:
    ///   - finding: what.
    ///   - isUp: whether the gateway is known to be up just now, so that what is older than its life is of a restart that has happened.
    func take(_ finding: SentinelFileFinding, isUp: Bool) async {
        switch finding {
        case .absent: break
        case .unusable(let reason): complainOfSentinel(reason)
        case .found(let file, let bytes):
            guard let request = adopt(file, isUp: isUp) else { return }
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
    private func adopt(_ file: RestartSentinelFile, isUp: Bool) -> RestartRequest? {
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
            performedByUs: false, epoch: epoch(before: file, isUp: isUp, at: now), owes: [.notice, .turn], origin: .adopted,
            requestedAt: now)
    }

    /// The life that wrote it. One that was written before the present life began is of a restart that has happened already.
    private func epoch(before file: RestartSentinelFile, isUp: Bool, at now: Moment) -> Epoch {
        guard let life = state.withLock(\.memory.lives.life), life.boot == now.boot else { return .down }
        let began = now.wallMilliseconds - (now.boottimeMicroseconds - life.beganMicroseconds) / 1_000
        if isUp, let at = file.at, at < began { return .down }
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
        do { await take(.found(try RestartSentinelFile(Array(envelope.text.utf8)), bytes: []), isUp: true) } catch {
            complainOfSentinel("\(error). \(error.hint)")
        }
    }
}
