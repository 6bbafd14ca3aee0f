import OpenClawFacts
import Testing

@Suite("The versions of gateways")
struct GatewayVersionTests {
    @Test("versions are read as gateways print them")
    func read() throws {
        #expect(GatewayVersion("2026.3.2") == GatewayVersion(2026, 3, 2))
        #expect(GatewayVersion(" v2026.9.1\n") == GatewayVersion(2026, 9, 1))
        #expect(GatewayVersion("2026.9.1 (abc1234)") == GatewayVersion(2026, 9, 1))
        #expect(GatewayVersion("2026.9.1+abc") == GatewayVersion(2026, 9, 1))
        #expect(GatewayVersion("2026.4") == GatewayVersion(2026, 4))
        #expect(try #require(GatewayVersion("2026.3.13-1")).description == "2026.3.13-1")
        #expect(GatewayVersion(2026, 3, 2).description == "2026.3.2")
    }

    @Test(
        "what is no version is none",
        arguments: [
            "dev", "", "unknown", "1.2.3", "2026", "2026.13.1", "2026.0.1", "2026..1", "2026.3.x", "2026.-3.1",
            "99999999999999999999.1.1",
        ])
    func none(text: String) { #expect(GatewayVersion(text) == nil) }

    @Test("versions are in the order of their release")
    func order() {
        let texts = [
            "2026.1.14", "2026.3.2", "2026.3.13-beta.1", "2026.3.13-beta.2", "2026.3.13", "2026.3.13-1", "2026.3.13-2",
            "2026.3.24",
            "2026.10.1", "2027.1.1",
        ]
        let versions = texts.compactMap { GatewayVersion($0) }
        #expect(versions.count == texts.count)
        for (left, right) in zip(versions, versions.dropFirst()) { #expect(left < right) }
        #expect(versions.reversed().sorted() == versions)
    }

    @Test("each habit changes with the version that it changed with")
    func habits() {
        func changes(_ habit: (GatewayHabits) -> Bool, _ last: String, _ first: String, to expected: Bool) {
            #expect(habit(GatewayHabits(ofVersion: last)) == !expected, "\(last)")
            #expect(habit(GatewayHabits(ofVersion: first)) == expected, "\(first)")
        }
        changes(\.writesSentinelFile, "2026.7.31", "2026.8.1", to: false)
        changes(\.keepsSentinelInDatabase, "2026.6.30", "2026.7.1", to: true)
        changes(\.pingsOnce, "2026.3.31", "2026.4.1", to: false)
        changes(\.retriesPing, "2026.3.31", "2026.4.1", to: true)
        changes(\.wakesAgentItself, "2026.1.13", "2026.1.14", to: true)
        changes(\.wakesAgentItself, "2026.2.12", "2026.2.13", to: false)
        changes(\.wakesAgentItself, "2026.3.23", "2026.3.24", to: true)
        changes(\.hasDurableRows, "2026.6.30", "2026.7.1", to: true)
        changes(\.losesCoalescedContinuations, "2026.5.31", "2026.6.1", to: false)
        changes(\.recoversMainSessions, "2026.4.30", "2026.5.1", to: true)
        changes(\.wakesNamedSession, "2026.5.31", "2026.6.1", to: true)
    }

    @Test("of an unknown version the careful answer is given")
    func unknown() {
        let habits = GatewayHabits(ofVersion: "dev")
        #expect(habits.version == nil)
        #expect(habits.writesSentinelFile && habits.keepsSentinelInDatabase && habits.retriesPing)
        #expect(habits.losesCoalescedContinuations)
        #expect(!habits.pingsOnce && !habits.wakesAgentItself && !habits.hasDurableRows)
        #expect(!habits.recoversMainSessions && !habits.wakesNamedSession)
    }
}

@Suite("The chance of the gateway's own ping")
struct OwnPingChanceTests {
    private func remaining(_ version: String, _ sinceStart: Duration, _ sinceReady: Duration?) -> Duration {
        OwnPingChance.remaining(of: GatewayVersion(version), sinceStart: sinceStart, sinceReady: sinceReady)
    }

    @Test("a gateway that pings once has 3 s from its start, whatever its channel does")
    func once() {
        #expect(remaining("2026.3.2", .zero, nil) == .seconds(3))
        #expect(remaining("2026.3.2", .milliseconds(750), .zero) == .milliseconds(2_250))
        #expect(remaining("2026.3.2", .seconds(3), .zero) == .zero)
        #expect(remaining("2026.3.2", .seconds(60), nil) == .zero)
    }

    @Test("a gateway that tries again has 5 s from when its channel is ready")
    func again() {
        #expect(remaining("2026.5.1", .seconds(600), nil) == .seconds(5))
        #expect(remaining("2026.5.1", .seconds(600), .zero) == .seconds(5))
        #expect(remaining("2026.9.1", .seconds(600), .milliseconds(4_999)) == .milliseconds(1))
        #expect(remaining("2026.9.1", .seconds(1), .seconds(5)) == .zero)
    }

    @Test("an unknown gateway gets the longer of the two")
    func unknown() {
        #expect(remaining("dev", .zero, nil) == .seconds(5))
        #expect(remaining("dev", .milliseconds(500), .seconds(4)) == .milliseconds(2_500))
        #expect(remaining("dev", .seconds(9), .seconds(4)) == .seconds(1))
        #expect(remaining("dev", .seconds(9), .seconds(9)) == .zero)
    }
}
