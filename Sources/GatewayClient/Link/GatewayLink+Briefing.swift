import GatewayProtocol
import Logging
import OpenClawFacts
import Synchronization
public import WakeCore
public import WakeService

/// What has changed before a first attempt: whether the gateway has done by its own ways what we owe, and what people wrote meanwhile.
extension GatewayLink: BriefingSource {
    /// How long after its channel became ready a gateway is given to take a turn up by itself, where its version does that.
    static let ownTurnChance: Duration = .seconds(10)

    /// Whether the channel is this gateway's.
    public func briefs(_ channel: ChannelName) -> Bool { serves(channel) }

    /// Looks.
    public func brief(_ order: BriefingOrder) async -> Briefing {
        let (connection, life, readySince) = state.withLock {
            ($0.connection, $0.memory.lives.life, $0.readySince[order.route.channel])
        }
        guard let connection, let life else {
            return .notYet(reason: "there is no connection to the gateway", after: .seconds(1))
        }
        let now = moments.now()
        let since = now.wallMilliseconds - (now.boottimeMicroseconds - life.beganMicroseconds) / 1_000
        if !order.isOwedByUsAlone, !isOursAlone(connection) {
            let wait = chance(of: order, connection, life, readySince ?? order.gateOpenSince, at: now)
            if wait > .zero { return .notYet(reason: "the gateway may still wake it by itself", after: wait) }
            let proof =
                order.delivery.kind == .turn
                ? await turnOfItsOwn(order, connection, since: since) : await pingOfItsOwn(order, since: since)
            if let proof { return .done(proof) }
        }
        return .needed(missed: order.delivery.kind == .turn ? await missed(order.route, connection) : [])
    }

    /// Whether its own record of the restart was taken away; what lies in its database can't be.
    private func isOursAlone(_ connection: GatewayConnection) -> Bool {
        settings.adoption == .own && GatewayHabits(ofVersion: connection.hello.serverVersion).writesSentinelFile
    }

    /// How long its own way must still be waited for.
    private func chance(
        of order: BriefingOrder, _ connection: GatewayConnection, _ life: GatewayLives.Life, _ readySince: Moment, at now: Moment
    ) -> Duration {
        let habits = GatewayHabits(ofVersion: connection.hello.serverVersion)
        let sinceReady = now.elapsed(since: readySince) ?? .zero
        let sinceStart = Duration.microseconds(max(0, now.boottimeMicroseconds - life.beganMicroseconds))
        guard order.delivery.kind == .turn else {
            return OwnPingChance.remaining(of: habits.version, sinceStart: sinceStart, sinceReady: sinceReady)
        }
        let isOwn = order.notes.contains { $0.origin == .interrupted } ? habits.recoversMainSessions : habits.wakesAgentItself
        return isOwn ? max(.zero, Self.ownTurnChance - sinceReady) : .zero
    }

    /// Its ping in the channel, written since it started.
    private func pingOfItsOwn(_ order: BriefingOrder, since: Int64) async -> Receipt? {
        guard let reader = parts.reader, reader.reads(order.route.channel) else { return nil }
        let notes = order.notes.map { PingText.whole($0.text) } + [.beginning("Gateway restart"), .beginning("GatewayRestart:")]
        let found = try? await reader.messages(in: order.route, since: since, limit: 50)
        let ping = found?.first { message in message.author.isOurselves && notes.contains { $0.matches(message.text) } }
        return ping.map { Receipt(id: $0.id, source: .history) }
    }

    /// A turn in the session since it started: one that runs, or words of the agent in the transcript that are no ping.
    private func turnOfItsOwn(_ order: BriefingOrder, _ connection: GatewayConnection, since: Int64) async -> Receipt? {
        let row = await rows(connection)?.first { $0.key == order.session }
        if row?.isActive == true { return Receipt(kind: .run, id: row?.activeRunIDs.first ?? "active", source: .history) }
        guard case .success(let transcript?) = await transcript(of: order.session, connection) else { return nil }
        let notes = order.notes.map { PingText.whole($0.text) } + [.beginning("Gateway restart"), .beginning("GatewayRestart:")]
        let spoke = transcript.contains { line in
            line.role == "assistant" && (line.at ?? 0) >= since && !notes.contains { $0.matches(line.text) }
        }
        return spoke ? Receipt(kind: .run, id: "transcript", source: .history) : nil
    }

    /// What people wrote while the gateway could not hear them: from when it was last heard to its channel's present readiness.
    private func missed(_ route: Route, _ connection: GatewayConnection) async -> [MissedMessage] {
        guard settings.missedMessages > 0, let reader = parts.reader, reader.reads(route.channel) else { return [] }
        let now = moments.now()
        let (since, readySince) = state.withLock { ($0.missedSince[route.channel], $0.readySince[route.channel]) }
        guard let since, let gate = await gate(of: route, connection) else { return [] }
        let oldest = max(since, now.wallMilliseconds - settings.missedWithin.wholeMilliseconds)
        let until = readySince.map { now.wallMilliseconds - ((now.elapsed(since: $0) ?? .zero).wholeMilliseconds) } ?? .max
        do {
            let messages = try await reader.messages(in: route, since: oldest, limit: settings.missedMessages)
            var missed: [MissedMessage] = []
            for message in messages where !message.author.isBot && message.at < until && message.at >= oldest {
                if let drop = gate.admits(DiscordInbound(message, in: route)).drop {
                    logger.debug(
                        "a missed message is not handed over: the gateway would not hear its author there",
                        metadata: [
                            LogKey.event: "missedDropped", LogKey.place: "\(route)", LogKey.reason: "\(drop)",
                        ])
                    continue
                }
                let files = message.attachments == 0 ? "" : "\n(\(message.attachments) attached)"
                missed.append(
                    MissedMessage(
                        author: "\(message.author.name) (\(message.author.id))", text: message.text + files, at: message.at))
            }
            return missed
        } catch {
            logger.info(
                "what people wrote meanwhile can't be read", metadata: [LogKey.place: "\(route)", LogKey.error: "\(error)"])
            return []
        }
    }

    /// Whom the gateway lets speak to its agents, as it says itself: who is not heard live is not heard later.
    private func gate(of route: Route, _ connection: GatewayConnection) async -> DiscordGate? {
        guard route.channel.transport == "discord" else { return nil }
        do {
            let answer = try await connection.call("config.get", [:])
            guard let configuration = answer?["config"] ?? answer?["resolved"] ?? answer?["parsed"] else { return nil }
            let version = GatewayVersion(connection.hello.serverVersion)
            return DiscordGate(configuration, account: route.channel.account, version: version)
        } catch {
            let words = (error as? GatewayFault)?.inWords ?? "\(error)"
            logger.info(
                "whom the gateway lets speak can't be known, so no missed message is handed over",
                metadata: [LogKey.place: "\(route)", LogKey.reason: "config.get: \(words)"])
            return nil
        }
    }
}

extension DiscordInbound {
    /// A message as it would have reached the gateway.
    init(_ message: ChannelMessage, in route: Route) {
        guard route.kind == .channel, let guild = message.guild else {
            self.init(directFrom: message.author.id)
            return
        }
        self.init(
            at: Place(guild: guild, channel: route.destination, parent: message.parent), author: message.author.id,
            roles: message.author.roles, mentionsBot: message.mentionsUs)
    }
}
