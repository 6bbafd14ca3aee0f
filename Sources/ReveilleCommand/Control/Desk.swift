import ControlServer
import GatewayProtocol
import LedgerSQLite
import Logging
import ReveilleConfiguration
import Synchronization
import WakeCore
import WakeService

/// What the methods of the control plane do: each is looked up here, and done by one of the extensions.
final class Desk: ControlDesk {
    /// What it works with.
    struct Parts: Sendable {
        var waker: Waker
        var face: BusFace
        var hosts: [ChannelHost]
        var live: LiveConfiguration
        var restarts: RestartDesk
        var thread: ControlThread
        var ring: LogRing
        var moments: any MomentSource
        var dice: any DiceSource
        var instance: String
        var startedAt: Moment
        /// Said of the start itself, such as that the channels were not started.
        var remarks: [String]
        var logger: Logger
    }

    typealias Work = @Sendable (Desk, ControlCall) async throws(GatewayFault) -> JSONValue?

    /// One method.
    struct Method: Sendable {
        let name: String
        let rule: ControlMethod
        let work: Work
    }

    let parts: Parts
    /// Requests with an idempotency key that are being done.
    let underWay = Mutex<Set<String>>([])

    init(_ parts: Parts) { self.parts = parts }

    // MARK: The table

    /// Every method that is served. docs/PROTOCOL.md and its test follow it.
    static let table: [Method] = [
        works("health", .read) { desk, call async throws(GatewayFault) in await desk.health(call) },
        works("status", .read) { desk, call async throws(GatewayFault) in try await desk.status(call) },
        works("channels.status", .read) { desk, call async throws(GatewayFault) in try desk.channelsStatus(call) },
        works("channels.start", .admin) { desk, call async throws(GatewayFault) in try desk.channelsStart(call) },
        works("channels.stop", .admin) { desk, call async throws(GatewayFault) in try desk.channelsStop(call) },
        works("sessions.list", .read) { desk, call async throws(GatewayFault) in try await desk.sessionsList(call) },
        works("logs.tail", .read) { desk, call async throws(GatewayFault) in try desk.logsTail(call) },
        works("restarts.list", .read) { desk, call async throws(GatewayFault) in try await desk.restartsList(call) },
        works("wakes.list", .read) { desk, call async throws(GatewayFault) in try await desk.wakesList(call) },
        works("wakes.show", .read) { desk, call async throws(GatewayFault) in try await desk.wakesShow(call) },
        works("wakes.retry", .write) { desk, call async throws(GatewayFault) in try await desk.wakesRetry(call) },
        works("wakes.cancel", .write) { desk, call async throws(GatewayFault) in try await desk.wakesCancel(call) },
        works("wakes.markDelivered", .write) { desk, call async throws(GatewayFault) in try await desk.wakesMarkDelivered(call) },
        works("sentinel.write", .write) { desk, call async throws(GatewayFault) in try await desk.sentinelWrite(call) },
        works("sentinel.list", .read) { desk, call async throws(GatewayFault) in try await desk.sentinelList(call) },
        works("sentinel.show", .read) { desk, call async throws(GatewayFault) in try await desk.sentinelShow(call) },
        works("sentinel.cancel", .write) { desk, call async throws(GatewayFault) in try await desk.sentinelCancel(call) },
        works("wake", .write) { desk, call async throws(GatewayFault) in try await desk.wake(call) },
        works("system-event", .write) { desk, call async throws(GatewayFault) in try await desk.systemEvent(call) },
        works("sessions.send", .write) { desk, call async throws(GatewayFault) in try await desk.sessionsSend(call) },
        works("chat.send", .write) { desk, call async throws(GatewayFault) in try await desk.chatSend(call) },
        works("send", .write) { desk, call async throws(GatewayFault) in try await desk.send(call) },
        works("gateway.restart.request", .admin, limited: true) { desk, call async throws(GatewayFault) in
            try await desk.restartRequest(call)
        },
        works("config.get", .admin) { desk, call async throws(GatewayFault) in try await desk.configGet(call) },
        works("config.schema.lookup", .admin) { desk, call async throws(GatewayFault) in try desk.configLookup(call) },
        works("config.set", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.configSet(call) },
        works("config.patch", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.configPatch(call)
        },
        works("config.apply", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.configApply(call)
        },
        works("config.log", .admin) { desk, call async throws(GatewayFault) in try await desk.configLog(call) },
        works("config.revert", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.configRevert(call)
        },
        works("agent", .write) { desk, call async throws(GatewayFault) in try await desk.agent(call) },
        works("cron.status", .read) { desk, call async throws(GatewayFault) in try await desk.cronStatus(call) },
        works("cron.list", .read) { desk, call async throws(GatewayFault) in try await desk.cronList(call) },
        works("cron.get", .read) { desk, call async throws(GatewayFault) in try await desk.cronGet(call) },
        works("cron.runs", .read) { desk, call async throws(GatewayFault) in try await desk.cronRuns(call) },
        works("cron.add", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.cronAdd(call) },
        works("cron.run", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.cronRun(call) },
        works("cron.remove", .admin, limited: true) { desk, call async throws(GatewayFault) in try await desk.cronRemove(call) },
    ]

    private static func works(_ name: String, _ scope: Scope, limited: Bool = false, _ work: @escaping Work) -> Method {
        Method(name: name, rule: ControlMethod(scope, isLimited: limited), work: work)
    }

    private static let byName = Dictionary(table.map { ($0.name, $0) }) { first, _ in first }

    // MARK: ControlDesk

    let methods = byName.mapValues(\.rule)

    let events: [String: Scope] = Dictionary(uniqueKeysWithValues: DeskEvents.all.map { ($0, Scope.read) })

    func hears(_ caller: ControlCaller, _ event: GatewayEvent) -> Bool {
        guard caller.sessions != nil, let session = event.payload?["sessionKey"]?.string else { return true }
        return (try? SessionKey(session)).map { mayName($0, caller) } ?? false
    }

    func answer(_ call: ControlCall) async -> Result<JSONValue?, GatewayFault> {
        guard let method = Self.byName[call.method] else {
            return .failure(GatewayFault(.invalidRequest, "there is no method \(call.method)"))
        }
        do throws(GatewayFault) { return .success(try await method.work(self, call)) } catch { return .failure(error) }
    }

    func snapshot() async -> JSONObject {
        [
            "presence": [], "health": await health(nil) ?? [:], "stateVersion": ["presence": 0, "health": 0],
            "uptimeMs": .integer(uptimeMilliseconds), "instance": .string(parts.instance),
            "configPath": .string(parts.live.configuration.files.first?.path ?? ""),
            "stateDir": .string(parts.live.configuration.ledger.directory), "authMode": "token",
        ]
    }

    var uptimeMilliseconds: Int64 {
        (parts.moments.now().boottimeMicroseconds - parts.startedAt.boottimeMicroseconds) / 1_000
    }
}

extension GatewayFault {
    /// A failure of the ledger, as a caller hears it.
    init(_ error: WakeError) {
        let words = [error.description, error.hint].compactMap { $0 }.joined(separator: ". ")
        switch error.code {
        case .invalidRequest: self.init(.invalidRequest, words)
        case .notFound: self.init(.invalidRequest, words, details: ["reason": "not-found"])
        case .diskFull:
            self.init(
                .unavailable, words, details: ["reason": "disk-full"], isRetryable: true, retryAfterMilliseconds: 1_000)
        default: self.init(.unavailable, words, details: ["reason": .string(error.code.description)], isRetryable: false)
        }
    }
}
