import Crypto
import GatewayProtocol
import Logging
import OpenClawFacts
import Synchronization
import WakeCore
import WakeService

/// The gateway's lives, and the sessions that the end of one cut off.
extension GatewayLink {
    /// The gateway let us in: whose life it is, and who must be woken for it.
    ///
    /// - Returns: false if it is a process that is about to end, so that we had better come again.
    func met(_ connection: GatewayConnection, asked: Moment) async -> Bool {
        let now = moments.now()
        let hello = connection.hello
        let before = state.withLock(\.memory)
        let nobodyListened = state.withLock(\.nobodyListened)
        var lives = before.lives
        let sighting = lives.greeted(
            uptimeMilliseconds: hello.snapshot["uptimeMs"]?.integer, asked: asked, answered: now, nobodyListened: nobodyListened)
        switch sighting {
        case .older:
            logger.info("an older process of the gateway still answers", metadata: [LogKey.place: "\(settings.target)"])
            return false
        case .same:
            report(.epochObserved(settings.target, before.lives.life?.epoch ?? .down, settled: true))
            await remember { ($0.lives, $0.version, $0.heardAt) = (lives, hello.serverVersion, now) }
            await adoptFromDatabase(connection)
        case .new(let epoch, let isSettled):
            logger.notice(
                "the gateway is in a new life",
                metadata: [LogKey.place: "\(settings.target)", "version": "\(hello.serverVersion)"])
            let missed = before.heardPeopleUntil
            state.withLock { state in
                state.missedSince = missed
                state.heardRuns = [:]
            }
            let resumed = interrupted(before, at: now)
            for request in resumed { report(.requested(request, inboxRow: nil)) }
            // Before the new life counts, and while the one that wrote it is still the one that is known.
            await adoptFromDatabase(connection)
            report(.epochObserved(settings.target, epoch, settled: isSettled, story: story(of: before, at: now)))
            await remember { memory in
                (memory.lives, memory.version, memory.heardAt) = (lives, hello.serverVersion, now)
                memory.runs = []
                for request in resumed { memory.resumed[request.session, default: []].append(now) }
            }
        }
        return true
    }

    /// How it came into its new life, as far as it told.
    private func story(of before: GatewayMemory, at now: Moment) -> RestartStory? {
        guard let life = before.lives.life else { return nil }
        let down = before.heardAt.flatMap { now.elapsed(since: $0) }
        guard life.goodbyeAt == nil else {
            return RestartStory(.restart, detail: state.withLock(\.goodbye), down: down)
        }
        return RestartStory(.crash, detail: "it ended without a goodbye", down: down)
    }

    /// What is to be asked for the sessions that were in the middle of a turn.
    private func interrupted(_ before: GatewayMemory, at now: Moment) -> [RestartRequest] {
        guard let life = before.lives.life, let heardAt = before.heardAt, let away = now.elapsed(since: heardAt),
            away <= settings.resumeWithin
        else { return [] }
        return before.runs.compactMap { run in
            let recent = (before.resumed[run.session] ?? []).filter {
                now.elapsed(since: $0).map { $0 < .seconds(3_600) } ?? true
            }
            guard run.session.isResumed, settings.resumes(run.session), let route = run.route else { return nil }
            guard recent.count < settings.resumeLimit else {
                logger.warning(
                    "a turn was cut off and is not taken up: this session was woken so too often",
                    metadata: [LogKey.session: "\(run.session)", LogKey.place: "\(settings.target)"])
                return nil
            }
            return RestartRequest(
                id: Self.identifier(of: "interrupted", settings.name, run.session.description, "\(life.epoch)"),
                session: run.session, route: route, note: Policy.Watch.standardNote, target: settings.target,
                performedByUs: false, epoch: life.epoch, owes: [.turn], origin: .interrupted, requestedAt: now)
        }
    }

    /// The same words give the same id, so that the same thing seen twice is one.
    static func identifier(of words: String...) -> Identifier {
        let digest = Array(SHA256.hash(data: Array(words.joined(separator: "\u{0}").utf8)))
        let half = { (bytes: ArraySlice<UInt8>) in bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return Identifier(high: half(digest[0..<8]), low: half(digest[8..<16]))
    }
}

extension SessionKey {
    /// Whether a turn in it is ours to take up: jobs and agents of agents have somebody else who does.
    fileprivate var isResumed: Bool {
        switch shape {
        case .cron, .subagent, .catchAll: false
        case .other(let kind): kind != "acp" && kind != "hook"
        default: true
        }
    }
}
