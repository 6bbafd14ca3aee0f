import DiscordLoopback
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("The whole story: config.patch with a session key, while 200 others are connected")
struct ControlPlaneStoryTests {
    /// How a client was sent away.
    private struct Farewell: Sendable, Equatable {
        var code: Int
        var reason: String
        var sawShutdown: Bool
    }

    private static let whole = 140
    private static let halfWay = 60

    @Test("every client hears why, nobody sees a bare 1000 or 1006, and the agent is woken once, in its channel, after READY")
    func story() async throws {
        var options = Stage.swift
        options.readyAfter = .milliseconds(800)
        try await ControlStage.play(options) { control in
            let daemon = try await control.stage.startDaemon()
            let instance = try await control.call("status")["instance"]
            let farewells = try await Self.restartWithClients(control)
            #expect(try await daemon.ended() == .clean)
            #expect(farewells.count == Self.whole + Self.halfWay)
            let strange = farewells.filter { $0.reason != "service restart" || $0.code != 1012 }
            #expect(strange.isEmpty, "\(strange.prefix(3))")
            #expect(farewells.filter(\.sawShutdown).count == Self.whole, "who is in hears of it before")

            // Its supervisor starts it again; Discord is late.
            let again = try await control.stage.startDaemon()
            try await again.saw("deliveryHeld")
            try await again.saw("wakeEnded")
            let notes = control.stage.messages().filter { $0.content.contains("go on with step 3") }
            #expect(notes.count == 1)
            #expect(try await control.call("status")["instance"] != instance)
            #expect(try await control.call("config.get")["parsed"]?["wake"]?["holdFor"]?.string == "3d")
            let log = again.errors.all
            let ready = log.firstIndex { $0["event"] == "channelChanged" && $0["reason"] == "ready" }
            let sending = log.firstIndex { $0["event"] == "deliverySending" }
            #expect(try #require(ready) < (try #require(sending)), "not before the channel could hear it")
            try await control.stage.stop(again)
        }
    }

    /// Connects everybody, patches, and tells how each was sent away.
    private static func restartWithClients(_ control: ControlStage) async throws -> [Farewell] {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: Farewell.self) { group in
            for number in 0..<whole {
                group.addTask {
                    let listen: @Sendable (GatewayConnection) async -> Farewell = { connection in
                        arrived.yield()
                        for await _ in connection.events {}
                        let close = connection.closed
                        return Farewell(
                            code: Int(close?.code ?? 0), reason: close?.reason ?? "", sawShutdown: connection.shutdown != nil)
                    }
                    return number.isMultiple(of: 2)
                        ? try await control.connect { await listen($0) } : try await control.connectByPort { await listen($0) }
                }
            }
            for number in 0..<halfWay {
                group.addTask {
                    try await onThread {
                        let socket =
                            number.isMultiple(of: 2) ? try RawSocket(port: control.port) : try RawSocket(path: control.socket)
                        try socket.upgrade()
                        _ = try socket.read()
                        // A third of them sends half a frame, and never the rest.
                        if number.isMultiple(of: 3) { try socket.write(Array(RawSocket.frame(#"{"type":"req"}"#).prefix(9))) }
                        arrived.yield()
                        let close = socket.readClose()
                        return Farewell(code: close?.code ?? 0, reason: close?.reason ?? "", sawShutdown: false)
                    }
                }
            }
            _ = try await within("everybody to be connected") {
                var count = 0
                for await _ in arrivals {
                    count += 1
                    if count == whole + halfWay { return true }
                }
                return nil
            }
            try await patch(control)
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func patch(_ control: ControlStage) async throws {
        let params = try await control.patch(
            "{ wake: { holdFor: '3d' } }",
            ["sessionKey": .string(Stage.session), "note": "go on with step 3", "restartDelayMs": 100])
        let reply = try await control.connect { try await $0.call("config.patch", params) }
        #expect(reply?["changedPaths"] == ["wake.holdFor"])
        #expect(reply?["restart"]?["scheduled"]?.bool == true && reply?["restart"]?["coalesced"]?.bool == false)
        #expect(reply?["sentinel"]?["durable"]?.bool == true && reply?["wake"]?["stored"]?.bool == true)
    }
}
