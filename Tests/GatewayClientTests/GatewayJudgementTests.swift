import GatewayProtocol
import OpenClawFacts
import Testing
import WakeCore
import WakeService

@testable import GatewayClient

@Suite("What the doctor says of a gateway")
struct GatewayJudgementTests {
    private func findings(
        _ version: String = "2026.9.1", adopts: Bool = true, _ change: (inout GatewayFacts) -> Void = { _ in }
    ) -> [Finding] {
        var facts = GatewayFacts(versionText: version)
        change(&facts)
        return Self.judgement(adopts: adopts).findings(.seen(facts))
    }

    private static func judgement(adopts: Bool = true) -> GatewayJudgement {
        GatewayJudgement(gateway: "main", address: "ws://127.0.0.1:18789", adoptsRestarts: adopts)
    }

    private static func status(_ account: JSONValue, warnings: JSONValue = []) -> ChannelsStatus {
        ChannelsStatus(["channelAccounts": ["discord": [account]], "warnings": warnings])
    }

    // MARK: Versions

    @Test("a new gateway that answers is in order")
    func good() { #expect(findings().map(\.code) == ["gateway-ok"]) }

    @Test("a version with the 750 ms timer is told: a warning, unless its restarts are looked after")
    func pingsOnce() throws {
        let unadopted = try #require(findings("2026.3.2", adopts: false).first { $0.code == "gateway-pings-once" })
        #expect(unadopted.severity == .warning && unadopted.evidence?.contains("2026.3.2") == true)
        #expect(unadopted.fix?.contains("gateways.main.adopt") == true)
        #expect(findings("2026.3.2").first { $0.code == "gateway-pings-once" }?.severity == .note)
        #expect(!findings("2026.4.1", adopts: false).contains { $0.code == "gateway-pings-once" })
    }

    @Test("a version that loses the continuations of coalesced restarts is told, a later one is not")
    func continuations() throws {
        let finding = try #require(findings("2026.5.30").first)
        #expect(finding.code == "gateway-loses-continuations" && finding.severity == .warning)
        #expect(finding.fix?.contains("reveille sentinel write --target gateway:main") == true)
        #expect(findings("2026.6.0").map(\.code) == ["gateway-ok"])
    }

    @Test("a version that is none is unknown, and nothing is held against it")
    func unknownVersion() {
        let found = findings("dev", adopts: false)
        #expect(found.map(\.code) == ["gateway-version-unknown"] && found.map(\.severity) == [.unknown])
    }

    // MARK: What it tells

    @Test("scopes that were taken away are told; write holds read, and admin holds all")
    func scopes() {
        #expect(findings { $0.scopes = [] }.map(\.code) == ["gateway-scope-missing"])
        #expect(findings { $0.scopes = ["operator.read"] }.map(\.code) == ["gateway-scope-missing"])
        #expect(findings { $0.scopes = ["operator.write"] }.map(\.code) == ["gateway-ok"])
        #expect(findings { $0.scopes = ["operator.admin"] }.map(\.code) == ["gateway-ok"])
    }

    @Test("a channel that the gateway itself says is down is told; one that works, or is switched off, is not")
    func channels() {
        let down = Self.status(["accountId": "default", "running": true, "connected": false, "lastError": "4004"])
        let found = findings { $0.status = down }
        #expect(found.map(\.code) == ["gateway-channel-not-ready"] && found.first?.evidence?.contains("4004") == true)
        #expect(found.first?.subject == "gateway:main/discord:default")
        let up = Self.status(["accountId": "default", "running": true, "connected": true])
        #expect(findings { $0.status = up }.map(\.code) == ["gateway-ok"])
        let off = Self.status(["accountId": "default", "enabled": false])
        #expect(findings { $0.status = off }.map(\.code) == ["gateway-ok"])
    }

    @Test("what the gateway warns of, and what it did not tell, is passed on")
    func warnings() {
        let warning = findings {
            $0.status = Self.status(["running": true, "connected": true], warnings: ["allowlist with no guilds"])
        }
        #expect(warning.map(\.code) == ["gateway-ok", "gateway-warns"] && warning.last?.evidence == "allowlist with no guilds")
        #expect(findings { $0.refusal = "UNAVAILABLE: starting" }.map(\.code) == ["gateway-tells-less"])
    }

    @Test("a gateway that is away, refuses us, or is not asked is three different things")
    func unseen() {
        func finding(_ look: GatewayLook) -> Finding? { Self.judgement().findings(look).first }
        #expect(
            finding(.absent(reason: "refused"))?.code == "gateway-down" && finding(.absent(reason: "refused"))?.severity == .error
        )
        #expect(finding(.refused(reason: "1008"))?.code == "gateway-refuses")
        #expect(finding(.noToken(reason: "none", fix: "give one"))?.severity == .unknown)
        #expect(finding(.noToken(reason: "none", fix: "give one"))?.fix == "give one")
        #expect(finding(.unclear(reason: "silence"))?.severity == .unknown)
    }

    // MARK: Looking

    private static func look(_ act: ScriptedGateway.Act) async throws -> GatewayLook {
        try await ScriptedGateway.play([act]) { _, address in
            await GatewayLook.look(at: address, .token("secret"), .init(), moments: try HurriedMoments())
        }
    }

    @Test("a look reads the version and what the gateway may tell, and asks for nothing that changes anything")
    func look() async throws {
        try await ScriptedGateway.play([.answer([.success(["sessions": [["key": "agent:a:discord:channel:7"]]])])]) {
            gateway, address in
            let look = await GatewayLook.look(at: address, .token("secret"), .init(), moments: try HurriedMoments())
            let facts = try #require(look.facts)
            #expect(facts.versionText == "scripted" && facts.scopes == ["operator.admin"] && facts.refusal == nil)
            #expect(facts.sessions.map(\.key.description) == ["agent:a:discord:channel:7"])
            #expect(gateway.requests.map(\.method) == ["channels.status", "sessions.list"])
            #expect(gateway.requests.first?.params == ["probe": false])
        }
    }

    @Test("a gateway that tells nothing of its channels is seen all the same")
    func lookRefused() async throws {
        let fault = GatewayFault(.forbidden, "missing scope: operator.read")
        let facts = try #require(try await Self.look(.answer([.failure(fault)])).facts)
        #expect(facts.status == nil && facts.refusal == "FORBIDDEN: missing scope: operator.read")
    }

    @Test("nobody listening, a refusal at the door, and a start under way are told apart")
    func lookFailed() async throws {
        let moments = try HurriedMoments()
        // A port that nothing can listen at.
        let nobody = await GatewayLook.look(at: .web("ws://127.0.0.1:1"), .token("x"), .init(), moments: moments)
        guard case .absent = nobody else {
            Issue.record("\(nobody)")
            return
        }
        let refused = try await Self.look(.refuse(GatewayFault(.forbidden, "wrong token"), 1008, "unauthorized"))
        guard case .refused = refused else {
            Issue.record("\(refused)")
            return
        }
        let starting = try await Self.look(.close(1013, "gateway starting"))
        guard case .unclear = starting else {
            Issue.record("\(starting)")
            return
        }
    }
}
