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
}
