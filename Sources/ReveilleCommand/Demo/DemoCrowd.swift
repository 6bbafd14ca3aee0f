import GatewayClient
import GatewayProtocol
import WakeCore
import WakeService

/// Clients of the daemon's control plane, one of them an agent that changes the configuration.
struct DemoCrowd {
    /// How many there are beside the agent.
    static let count = 200

    /// How one of them was sent away.
    struct Farewell: Sendable {
        /// With 1012 `service restart`.
        let isReasoned: Bool
        /// After a `shutdown` event.
        let wasTold: Bool
    }

    /// What the agent was answered.
    struct Sentinel: Sendable {
        let id: String
        let milliseconds: Int64
    }

    let socket: String

    /// Connects them all, patches, and waits for the daemon's end.
    func patch(
        session: String, note: String, until ended: () async throws -> Void
    ) async throws -> (Sentinel, [Farewell]) {
        let moments = try SystemMoments(environment: [:])
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: Farewell.self) { group in
            for _ in 0..<Self.count {
                group.addTask { [socket] in
                    try await GatewayConnection.with(.unix(path: socket), .none, moments: moments) { connection in
                        arrived.yield()
                        for await _ in connection.events {}
                        return Farewell(
                            isReasoned: connection.closed == .serviceRestart, wasTold: connection.shutdown != nil)
                    }
                }
            }
            var connected = 0
            for await _ in arrivals {
                connected += 1
                if connected == Self.count { break }
            }
            let sentinel = try await ask(session, note, moments)
            try await ended()
            return (sentinel, try await group.reduce(into: []) { $0.append($1) })
        }
    }

    private func ask(_ session: String, _ note: String, _ moments: SystemMoments) async throws -> Sentinel {
        try await GatewayConnection.with(.unix(path: socket), .none, moments: moments) { connection in
            let hash = try await connection.call("config.get")?["hash"] ?? .null
            let reply = try await connection.call(
                "config.patch",
                [
                    "raw": "{ wake: { holdFor: '3d' } }", "baseHash": hash, "sessionKey": .string(session),
                    "note": .string(note), "restartDelayMs": 1_000,
                ])
            guard reply?["wake"]?["stored"]?.bool == true, let id = reply?["sentinel"]?["id"]?.string else {
                throw Complaint(.software, "config.patch kept no wake: \(reply?.text ?? "no answer")")
            }
            return Sentinel(id: id, milliseconds: DemoBook.now())
        }
    }
}
