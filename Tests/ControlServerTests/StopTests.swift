import ControlServer
import GatewayProtocol
import NIOCore
import Testing
import WakeCore
import WakeService

@Suite("The control sockets: a stop", .timeLimit(.minutes(1)))
struct StopTests {
    private static let restart = Wire.Close(code: 1012, reason: "service restart")

    @Test("who is in hears shutdown, then 1012; who is not in yet, or has sent half a frame, hears 1012")
    func everybody() async throws {
        try await ControlRig.run { rig in
            let wires = try await [rig.client(), rig.client()]
            try await wires[1].send(raw: [0x81, 0xFE, 0x10])
            let outsiders = try await [Wire.webSocket(port: rig.port), Wire.webSocket(port: rig.port)]
            for wire in outsiders { _ = await wire.json() }
            try await outsiders[1].send(raw: [0x01])
            rig.server.stop(reason: "test", restartExpectedMilliseconds: 1_500)
            for wire in wires {
                let event = await wire.json()
                #expect(event?["event"]?.string == "shutdown" && event?["payload"]?["restartExpectedMs"]?.integer == 1_500)
                #expect(event?["payload"]?["reason"]?.string == "test")
            }
            for wire in wires + outsiders {
                #expect(await wire.close() == Self.restart)
                await wire.answerClose()
                #expect(await wire.rest().isEmpty)
            }
        }
    }

    @Test("a request under way is answered first; no other is taken")
    func underWay() async throws {
        try await ControlRig.run { rig in
            let wire = try await rig.client()
            try await wire.call("1", "wait")
            await rig.desk.waitUntilBegun()
            rig.server.stop(reason: "test")
            #expect(await wire.json()?["event"]?.string == "shutdown")
            try await wire.call("2", "echo")
            let refused = await wire.answer(to: "2")?["error"]
            #expect(refused?["code"]?.string == "UNAVAILABLE" && refused?["details"]?["reason"]?.string == "gateway-restarting")
            #expect(refused?["retryable"]?.bool == true && refused?["retryAfterMs"]?.integer != nil)
            rig.desk.open()
            #expect(await wire.answer(to: "1")?["payload"]?["cancelled"]?.bool == false)
            #expect(await wire.close() == Self.restart)
        }
    }

    @Test("nobody holds a stop up: not who answers nothing, reads nothing, has asked half, or waits for what never comes")
    func bounded() async throws {
        try await ControlRig.run { rig in
            let patient = try await rig.client()
            try await patient.call("1", "wait")
            await rig.desk.waitUntilBegun()
            let deaf = try await rig.client()
            try await deaf.reads(false)
            rig.server.publish(GatewayEvent("news", payload: .string(String(repeating: "n", count: 12 << 20))))
            // On a busy machine 12 MiB may take longer than a stop lets anybody read.
            #expect(await patient.json()?["event"]?.string == "news")
            let half = try await Wire.connect(port: rig.port)
            try await half.send(raw: Array("GET /healthz HTTP/1.1\r\nHo".utf8))
            let silent = try await Wire.connect(port: rig.port)
            // All have been taken: who came later is served.
            _ = try await rig.client()
            rig.server.stop(reason: "test")
            async let halfAnswer = half.http()
            async let silentAnswer = silent.http()
            #expect(await patient.close() == Self.restart)
            _ = await patient.rest()
            for answer in await [halfAnswer, silentAnswer] {
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1"), "\(answer)")
            }
            // While the deaf one still reads nothing.
            try await rig.finished()
            deaf.drop()
        }
    }

    @Test("what asks for a WebSocket while the server stops is answered 503 with Retry-After")
    func late() async throws {
        try await ControlRig.run { rig in
            let held = try await rig.client()
            try await held.call("1", "wait")
            await rig.desk.waitUntilBegun()
            let late = try await Wire.connect(port: rig.port)
            // Taken before the stop, as who comes after it waits in the socket.
            let other = try await rig.client()
            rig.server.stop(reason: "test")
            #expect(await other.close() == Self.restart)
            try await late.send(raw: Wire.upgrade())
            let answer = await late.http()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1"), "\(answer)")
            rig.desk.open()
            #expect(await held.close() == Self.restart)
        }
    }
}
