import GatewayProtocol
import Logging
import OpenClawFacts
import Synchronization
import WakeCore
import WakeService

/// Who is in the middle of a turn: asked for after each sign of one, and kept, so that it is known when the gateway is gone.
extension GatewayLink {
    /// How often it is asked for without a sign.
    static let askRuns: Duration = .seconds(5)
    /// Many signs come at once.
    private static let askRunsAtMost: Duration = .milliseconds(250)
    private static let rowsMaximumCount: Int64 = 200

    func followRuns(_ connection: GatewayConnection) async {
        while !Task.isCancelled, connection.closed == nil {
            await askRuns(connection)
            await moments.wait(untilBoottimeMicroseconds: moments.now().advanced(by: Self.askRunsAtMost).boottimeMicroseconds)
            await runBell.wait(atMost: Self.askRuns, moments)
        }
    }

    private func askRuns(_ connection: GatewayConnection) async {
        guard let rows = await rows(connection) else { return }
        let heard = state.withLock(\.heardRuns)
        let routes = Dictionary(rows.map { ($0.key, $0.route(gateway: settings.name)) }, uniquingKeysWith: { first, _ in first })
        // A gateway that does not tell is followed by its events.
        let active = rows.filter { $0.isActive ?? !(heard[$0.key] ?? []).isEmpty }.map(\.key)
        let unlisted = heard.filter { routes[$0.key] == nil && !$0.value.isEmpty }.map(\.key)
        let runs = (active + unlisted).sorted().map {
            GatewayMemory.Run(session: $0, route: routes[$0].flatMap(\.self) ?? $0.route?.through(gateway: settings.name))
        }
        let now = moments.now()
        let isStale = state.withLock { state in
            state.memory.runs != runs
                || (!runs.isEmpty && state.memory.heardAt.flatMap { now.elapsed(since: $0) }.map { $0 > .seconds(30) } ?? true)
        }
        guard isStale else { return }
        await remember { ($0.runs, $0.heardAt) = (runs, now) }
        logger.debug(
            "who is in the middle of a turn is kept",
            metadata: [
                LogKey.event: "gatewayRuns", LogKey.place: "\(settings.target)",
                LogKey.session: "\(runs.map(\.session.description).joined(separator: " "))",
            ])
    }

    /// The sessions of late; nil where they can't be asked for.
    func rows(_ connection: GatewayConnection) async -> [SessionRow]? {
        do {
            return SessionRow.rows(of: try await connection.call("sessions.list", ["limit": .integer(Self.rowsMaximumCount)]))
        } catch let fault as GatewayFault where fault.code != .unavailable {
            complain("sessions.list: \(fault.inWords); turns that a restart cuts off are not taken up")
        } catch {
            // It starts, or the connection has ended.
        }
        return nil
    }

    /// `chat` tells each run's way to its end; `agent` that one is under way.
    func noteRun(_ event: GatewayEvent) {
        guard let text = event.payload?["sessionKey"]?.string, let session = try? SessionKey(text),
            let run = event.payload?["runId"]?.string
        else { return runBell.ring() }
        let isOver = ["final", "aborted", "error"].contains(event.payload?["state"]?.string ?? "")
        let isNews = state.withLock { state in
            isOver
                ? state.heardRuns[session]?.remove(run) != nil
                : event.name == "chat" && state.heardRuns[session, default: []].insert(run).inserted
        }
        if isNews || isOver { runBell.ring() }
    }
}
