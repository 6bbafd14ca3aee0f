import DiscordLoopback
import DiscordTransport
import Testing
import WakeService

@testable import WakeCore

@Suite("Routes over the wire", .timeLimit(.minutes(1)))
struct RouteTests {
    static func route(_ id: String, _ kind: Route.Kind = .channel) -> Route {
        Route(channel: .discord(), kind: kind, destination: id)
    }

    static func isBlocked(_ state: RouteState) -> Bool { if case .blocked = state { true } else { false } }
    static func isGone(_ state: RouteState) -> Bool { if case .gone = state { true } else { false } }

    @Test("a channel and a thread that may be written to are ready, with what they allow")
    func ready() async throws {
        try await TransportRig.run { rig in
            for id in [TransportRig.channelID, TransportRig.threadID] {
                let state = await rig.transport.check(Self.route(String(id)))
                #expect(state == .ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: true)), "\(state)")
            }
        }
    }

    @Test("a stop does not wait for a look that nobody answers")
    func stopCutsLooks() async throws {
        try await TransportRig.run { rig in
            let transport = try TransportRig.transport(at: rig.address, sessions: .init(), requestTimeout: .seconds(3_600))
            let sink = RecordingSink()
            let running = Task { try await transport.run(reportingTo: sink) }
            _ = await sink.state { $0.isReady }
            rig.world.add(try LoopbackFault("hang-request method=GET"))
            let look = Task { await transport.check(TransportRig.place) }
            _ = await rig.world.log.first("fault")
            running.cancel()
            try await running.value
            #expect(await look.value == .unknown)
        }
    }

    @Test("an unknown channel is gone, with a reason; so is what is no id")
    func gone() async throws {
        try await TransportRig.run { rig in
            #expect(Self.isGone(await rig.transport.check(Self.route("123"))))
            #expect(Self.isGone(await rig.transport.check(Self.route("general"))))
            let outcome = await rig.send(rig.order(to: Self.route("123")))
            guard case .permanent(let reason) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(reason.contains("10003"))
        }
    }

    @Test(
        "a missing permission blocks the route with its name, and the POST agrees",
        arguments: [
            LoopbackPermissions.sendMessages, .viewChannel,
        ])
    func permission(missing: LoopbackPermissions) async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: missing))
            let state = await rig.transport.check(TransportRig.place)
            #expect(Self.isBlocked(state), "\(state)")
            let outcome = await rig.send(rig.order())
            guard case .unavailable(.route, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
        }
    }

    @Test("before READY the permissions count as well: the token says who we are")
    func beforeReady() async throws {
        var options = LoopbackOptions.quick
        options.faults = [try LoopbackFault("no-hello"), try LoopbackFault("status status=500 route=/users/@me")]
        try await TransportRig.run(options: options, isConnected: false) { rig in
            try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: .sendMessages))
            _ = await rig.sink.state { $0 == .connecting }
            let state = await rig.transport.check(TransportRig.place)
            #expect(Self.isBlocked(state), "\(state)")
            #expect(!rig.sink.states.contains { $0.isReady })
        }
    }

    @Test("what may not be attached or read is told")
    func capabilities() async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(
                .permissions(channel: TransportRig.channelID, allow: [], deny: [.attachFiles, .readMessageHistory]))
            let state = await rig.transport.check(TransportRig.place)
            #expect(state == .ready(RouteCapabilities(mayAttachFiles: false, mayReadHistory: false)), "\(state)")
        }
    }

    @Test("a thread is written to when archived, and blocked when locked as well")
    func threads() async throws {
        try await TransportRig.run { rig in
            let route = Self.route(String(TransportRig.threadID))
            try rig.world.perform(.thread(channel: TransportRig.threadID, archived: true, locked: nil))
            #expect(await rig.transport.check(route).isReady)
            try rig.world.perform(.thread(channel: TransportRig.threadID, archived: true, locked: true))
            let state = await rig.transport.check(route)
            #expect(Self.isBlocked(state), "\(state)")
        }
    }

    @Test("a look that fails is unknown, not a verdict")
    func unknown() async throws {
        try await TransportRig.run { rig in
            rig.world.add(try LoopbackFault("html-error status=502 method=GET"))
            #expect(await rig.transport.check(TransportRig.place) == .unknown)
        }
    }

    @Test("where our roles can't be read, writing is presumed")
    func presumed() async throws {
        try await TransportRig.run { rig in
            rig.world.add(try LoopbackFault("status status=500 route=/guilds/{id}/roles"))
            let state = await rig.transport.check(TransportRig.place)
            #expect(state.isReady, "\(state)")
        }
    }
}
