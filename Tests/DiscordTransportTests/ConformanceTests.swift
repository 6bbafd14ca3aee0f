import DiscordLoopback
import DiscordTransport
import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("Discord keeps the promises of the shell's ports", .timeLimit(.minutes(1)))
struct ConformanceTests {
    @Test("as a notice transport, whatever the far side does")
    func transport() async throws {
        try await TransportRig.run { rig in
            let faults = [
                "rate-limit retry_after=0.01", "status status=403", "html-error status=502", "lost-reply", "drop-request",
            ]
            try await NoticeTransportConformance(
                rig.transport, route: TransportRig.place, arrived: { rig.contents().count },
                faults: faults.map { fault in
                    .init(fault) { rig.world.add(try LoopbackFault(fault + " method=POST")) }
                }
            ).check()
        }
    }

    @Test("as a route check")
    func routeCheck() async throws {
        try await TransportRig.run { rig in
            let missing = Route(channel: .discord(), kind: .channel, destination: "424242")
            try await RouteCheckConformance(rig.transport, writable: TransportRig.place, refused: [missing]).check()
        }
    }

    @Test("as a readiness source")
    func source() async throws {
        try await TransportRig.run { rig in
            let source = try TransportRig.transport(at: rig.address, sessions: MemorySessions())
            try await ReadinessSourceConformance(source, interrupt: { try rig.world.perform(.reset) }).check()
        }
    }

    private struct NotAccepted: Error {}

    @Test("as a receipt lookup")
    func lookup() async throws {
        try await TransportRig.run { rig in
            // In a channel where nothing can be seen, absence can't be proven.
            try rig.world.perform(.message(channel: TransportRig.channelID, content: "somebody was here"))
            let now = try rig.now()
            try await ReceiptLookupConformance(
                rig.transport, route: TransportRig.place, now: { now },
                put: { order in
                    guard case .accepted(let receipt) = await rig.send(order) else { throw NotAccepted() }
                    return receipt.id
                },
                allowHistory: { isAllowed in
                    let denied: LoopbackPermissions = isAllowed ? [] : .readMessageHistory
                    try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: denied))
                },
                disturb: { isDown in
                    try? rig.world.perform(
                        isDown ? .addFault(LoopbackFault("status method=GET status=502 count=100")) : .clearFaults)
                }
            ).check()
        }
    }
}
