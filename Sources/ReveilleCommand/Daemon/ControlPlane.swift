import ControlServer
import CoreMetrics
import Foundation
import GatewayProtocol
import LedgerSQLite
import Logging
import NetSupport
import ReveilleConfiguration
import ServiceLifecycle
import Synchronization
import SystemdSupport
import WakeCore
import WakeService

/// Our own server of the gateway protocol, joined from its parts.
struct ControlPlane {
    /// How long a restart takes where nothing goes wrong: what clients are told to expect.
    static let restartMilliseconds: Int64 = 2_000

    let server: ControlServer
    private let purpose: StopPurpose
    private let paths: [String]

    /// Joins it, and opens the sockets that no service manager handed in.
    init(
        _ parts: Desk.Parts, listeners: [ServiceManager.Listener], purpose: StopPurpose, configuration: Configuration,
        surroundings: Surroundings, metrics: PrometheusMetrics
    ) throws {
        let logger = parts.logger
        self.purpose = purpose
        var sockets = listeners.filter { $0.name == "control" }.map { ControlServer.Listener.descriptor($0.descriptor) }
        var paths: [String] = []
        // A service manager's sockets are all there is: then nobody is refused while we restart.
        if sockets.isEmpty {
            if configuration.control.port > 0, let port = Self.bind(port: configuration.control.port, logger) {
                sockets.append(port)
            }
            if let path = configuration.control.socketPath {
                do {
                    sockets.append(.descriptor(try ListeningSocket.bind(path: path)))
                    paths.append(path)
                } catch {
                    logger.warning(
                        "the control socket can't be opened; all else works",
                        metadata: [LogKey.place: "\(path)", LogKey.error: "\(error)"])
                }
            }
        }
        self.paths = paths
        let access = ControlAccess(
            token: try ControlToken.load(for: configuration, in: surroundings)?.reveal(), owner: surroundings.userID,
            peers: configuration.control.peers.mapValues {
                Pairing(scopes: LedgerPairings.scopes($0.scopes), sessions: $0.sessions)
            }, allowedOrigins: Set(configuration.control.allowedOrigins))
        let face = parts.face
        server = ControlServer(
            listeners: sockets,
            ControlServer.Parts(
                access: access, desk: Desk(parts),
                pairings: LedgerPairings(thread: parts.thread, moments: parts.moments, logger: logger), health: { face.health },
                metrics: { metrics.text }, moments: parts.moments, dice: parts.dice, version: Version.text, logger: logger))
        face.tell { [server] in server.publish($0) }
    }

    /// One that is taken is no reason not to start: whatever else there is works.
    private static func bind(port: Int, _ logger: Logger) -> ControlServer.Listener? {
        do { return .descriptor(try ListeningSocket.bind(port: port)) } catch {
            logger.warning(
                "the control port can't be opened; all else works",
                metadata: [LogKey.place: "127.0.0.1:\(port)", LogKey.error: "\(error)"])
            return nil
        }
    }

    /// What runs, until the group ends.
    var service: any Service { Runner(plane: self) }

    private struct Runner: NamedService {
        var description: String { "control plane" }
        let plane: ControlPlane

        func run() async throws {
            try await withGracefulShutdownHandler {
                try await plane.server.run()
                for path in plane.paths { unlink(path) }
                // Without a socket there is nothing to do; the end of a service ends the daemon.
                if !plane.purpose.hasBegun { await cancelWhenGracefulShutdown { await CancelledService.forever() } }
            } onGracefulShutdown: {
                let reason = plane.purpose.begin()
                plane.server.stop(
                    reason: reason ?? "the daemon stops",
                    restartExpectedMilliseconds: reason == nil ? nil : ControlPlane.restartMilliseconds)
            }
        }
    }
}

/// Why the daemon ends: it was told to, or it restarts, for a reason.
final class StopPurpose: Sendable {
    private struct State {
        var restart: String?
        var hasBegun = false
    }

    private let state = Mutex(State())

    /// It will restart, for that reason. The first one counts.
    func restarts(because reason: String) { state.withLock { $0.restart = $0.restart ?? reason } }

    /// Why it restarts; nil where it does not.
    var restart: String? { state.withLock(\.restart) }

    var hasBegun: Bool { state.withLock(\.hasBegun) }

    /// The end has begun.
    func begin() -> String? {
        state.withLock { state in
            state.hasBegun = true
            return state.restart
        }
    }
}
