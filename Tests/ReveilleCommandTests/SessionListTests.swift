import OpenClawFacts
import Testing
import WakeCore

@testable import ReveilleCommand

@Suite("Finding a session in a gateway's list")
struct SessionListTests {
    private static let rows = SessionRow.rows(of: [
        "sessions": [
            ["key": "agent:infra:discord:channel:100", "updatedAt": 1_000],
            ["key": "agent:infra:discord:channel:200", "updatedAt": 3_000, "label": "infra", "hasActiveRun": true],
            ["key": "agent:infra:discord:channel:100:thread:300", "updatedAt": 2_000],
            ["key": "agent:other:discord:channel:200", "updatedAt": 2_500],
            ["key": "agent:infra:main"],
        ]
    ])

    private func keys(_ text: String) -> [String] { SessionList.matching(text, in: Self.rows).map(\.key.description) }

    @Test("the latest first, and last those that tell no time")
    func recency() {
        #expect(
            SessionList.byRecency(Self.rows).map { $0.updatedAt ?? 0 } == [3_000, 2_500, 2_000, 1_000, 0])
    }

    @Test("by channel, thread, mention and link")
    func places() {
        #expect(keys("100") == ["agent:infra:discord:channel:100"])
        #expect(keys("<#100>") == keys("100") && keys("channel:100") == keys("100"))
        #expect(keys("300") == ["agent:infra:discord:channel:100:thread:300"])
        #expect(keys("https://discord.com/channels/7/300/9?x=1") == keys("300"))
        #expect(keys("https://discord.com/channels/@me/100") == keys("100"))
        #expect(keys("999").isEmpty && keys("").isEmpty && keys("https://discord.com/channels/7").isEmpty)
    }

    @Test("exactly one, or a complaint that names those there are")
    func only() throws {
        #expect(try SessionList.only(SessionList.matching("100", in: Self.rows), "100", "g").key.description == keys("100")[0])
        let several = #expect(throws: Complaint.self) {
            try SessionList.only(SessionList.matching("200", in: Self.rows), "200", "the gateway main")
        }
        #expect(several?.code == 64 && several?.text.contains("agent:other:discord:channel:200") == true)
        let none = #expect(throws: Complaint.self) { try SessionList.only([], "5", "the gateway main") }
        #expect(none?.code == 66)
    }

    @Test("the session that the environment names is spelled as the gateway spells it, or is missing with a hint")
    func named() throws {
        let named = try #require(
            try SessionEnvironment.environmentKey(from: ["OPENCLAW_MCP_SESSION_KEY": "agent:infra:discord:channel:200"]))
        #expect(try SessionList.row(of: named, in: Self.rows, "g").label == "infra")
        let missing = #expect(throws: Complaint.self) { try SessionList.row(of: named, in: [], "the gateway main") }
        #expect(missing?.code == 66 && missing?.text.contains("OPENCLAW_MCP_SESSION_KEY") == true)
    }
}
