import GatewayProtocol
import Testing
import WakeCore
import WakeTesting

@testable import GatewayClient

@Suite("What people write at a gateway", .timeLimit(.minutes(1)))
struct LinkPeopleTests {
    private static func line(_ text: String, role: String = "user") -> GatewayEvent {
        GatewayEvent(
            "session.message",
            payload: [
                "sessionKey": .string(LinkRig.session),
                "message": ["role": .string(role), "content": [["type": "text", "text": .string(text)]]],
            ])
    }

    @Test("a person's line is told, once for each; what the agent, a job or we say is not")
    func told() async throws {
        let lines = [
            Self.line("done", role: "assistant"), Self.line("[cron:1 nightly] look"), Self.line("go on\n-# reveille 7"),
            GatewayEvent("session.message", payload: nil), Self.line("how far are you?"),
        ]
        let key = try SessionKey(LinkRig.session)
        try await LinkRig.play([.telling(lines, after: "sessions.subscribe", LinkRig.gateway())]) { rig in
            await rig.events.wait { events in events.contains(.sessionActive(key)) }
            let active = rig.events.value.filter { if case .sessionActive = $0 { true } else { false } }
            #expect(active == [.sessionActive(key)])
        }
    }

    @Test("a gateway that can't tell is not asked again; one that starts is")
    func refused() async throws {
        for (code, count) in [(GatewayFault.Code.invalidRequest, 1), (.unavailable, 3)] {
            try await LinkRig.play([
                LinkRig.gateway { request in
                    request.method == "sessions.subscribe" ? .failure(GatewayFault(code, "no")) : nil
                }
            ]) { rig in
                await rig.gateway.next { $0.requests("sessions.subscribe").count >= count }
                await rig.gateway.next { $0.requests("sessions.list").count >= 3 }
                #expect((rig.gateway.requests("sessions.subscribe").count == 1) == (count == 1))
            }
        }
    }
}
