import OpenClawFacts
import Testing
import WakeCore

@Suite("The status of a gateway's channels")
struct ChannelsStatusTests {
    private func read(_ text: String) throws -> ChannelsStatus { ChannelsStatus(try JSONValue.parse(text: text)) }

    private func verdict(_ fields: String) throws -> ChannelVerdict {
        try read(#"{"channelAccounts": {"discord": [{"accountId": "default"\#(fields)}]}}"#).verdict("default", of: "discord")
    }

    @Test("accounts are listed in the gateway's order, with what it tells of each")
    func accounts() throws {
        let status = try read(
            """
            {"ts": 1, "channelOrder": ["telegram", "discord", "gone"], "partial": true, "warnings": ["slow", 7],
             "channelDefaultAccountId": {"discord": "ops"},
             "channelAccounts": {
               "slack": [],
               "discord": [{"accountId": "ops", "enabled": true, "configured": true, "running": true, "connected": true,
                 "linked": true, "reconnectAttempts": 2, "lastError": null, "healthState": "healthy", "lastStartAt": 10,
                 "lastStopAt": 9, "lastConnectedAt": 11.5, "lastInboundAt": 12, "lastOutboundAt": 13, "probe": {"ok": true},
                 "lastTransportActivityAt": 14, "future": {}}],
               "telegram": [{"accountId": "default"}]}}
            """)
        #expect(status.accounts.map(\.transport) == ["telegram", "discord"])
        let account = try #require(status.account("ops", of: "discord"))
        #expect(account.isEnabled == true && account.isConfigured == true && account.isRunning == true)
        #expect(account.isConnected == true && account.isLinked == true && account.probeSucceeded == true)
        #expect(account.reconnectAttempts == 2 && account.lastError == nil && account.healthState == "healthy")
        #expect(account.lastStartAt == 10 && account.lastStopAt == 9 && account.lastConnectedAt == 11)
        #expect(account.lastInboundAt == 12 && account.lastOutboundAt == 13)
        #expect(status.isPartial && status.warnings == ["slow", "7"])
        #expect(status.defaultAccount(of: "discord") == "ops" && status.defaultAccount(of: "slack") == "default")
    }

    @Test(
        "an answer without accounts, or of another shape, leaves everything unknown",
        arguments: [
            "{}", "[]", "null", #"{"channelAccounts": []}"#, #"{"channelAccounts": {"discord": 5}}"#,
            #"{"channelAccounts": null}"#,
        ])
    func empty(text: String) throws {
        let status = try read(text)
        #expect(status.accounts.isEmpty)
        #expect(status.verdict("default", of: "discord") == .unknown)
    }

    @Test("no payload at all leaves everything unknown")
    func nothing() { #expect(ChannelsStatus(nil).verdict("default", of: "discord") == .unknown) }

    @Test("accounts by name in an object, and without a name of their own, are understood")
    func shapes() throws {
        let status = try read(#"{"channelAccounts": {"discord": {"ops": {"running": true, "connected": true}}, "slack": [{}]}}"#)
        #expect(status.verdict("ops", of: "discord") == .ready)
        #expect(status.verdict("default", of: "slack") == .unknown)
    }

    @Test("ready is running and connected, both")
    func ready() throws {
        #expect(try verdict(#", "running": true, "connected": true"#) == .ready)
        #expect(try verdict(#", "running": true, "connected": true, "lastError": "an old one""#) == .ready)
        #expect(try verdict(#", "running": true, "connected": true"#).isReady)
        #expect(try verdict(#", "running": true, "connected": false"#) == .notReady(reason: "it is not connected"))
        #expect(try verdict(#", "running": false, "connected": true"#) == .notReady(reason: "the gateway does not run it"))
        #expect(try verdict(#", "running": true, "connected": true, "enabled": false"#).isReady == false)
        #expect(try verdict(#", "configured": false"#) == .notReady(reason: "it is not configured"))
        #expect(try verdict(#", "running": true, "linked": false"#) == .notReady(reason: "it is not linked"))
    }

    @Test("missing fields and fields of another type are unknown")
    func unknown() throws {
        #expect(try verdict("") == .unknown)
        #expect(try verdict(#", "running": true"#) == .unknown)
        #expect(try verdict(#", "connected": true"#) == .unknown)
        #expect(try verdict(#", "running": "yes", "connected": 1"#) == .unknown)
    }

    @Test("where the transport does not tell of a connection, a probe decides")
    func probe() throws {
        #expect(try verdict(#", "running": true, "probe": {"ok": true}"#) == .ready)
        #expect(try verdict(#", "running": true, "probe": {"ok": false}"#) == .notReady(reason: "a request to it failed"))
        #expect(try verdict(#", "probe": {"ok": true}"#) == .unknown)
        #expect(try verdict(#", "running": true, "connected": false, "probe": {"ok": true}"#).isReady == false)
    }

    @Test("the reason names the last error, in either form")
    func reasons() throws {
        let reason = ChannelVerdict.notReady(reason: "it is not connected; its last error: 4014")
        #expect(try verdict(#", "running": true, "connected": false, "lastError": "4014""#) == reason)
        #expect(try verdict(#", "running": true, "connected": false, "lastError": {"message": "4014"}"#) == reason)
    }

    @Test("an account that a complete answer does not list is not configured")
    func missing() throws {
        let complete = try read(#"{"channelAccounts": {"discord": [{"accountId": "ops"}]}}"#)
        #expect(
            complete.verdict("default", of: "discord") == .notReady(reason: "the gateway has no account 'default' of discord"))
        let partial = try read(#"{"partial": true, "channelAccounts": {"discord": [{"accountId": "ops"}]}}"#)
        #expect(partial.verdict("default", of: "discord") == .unknown)
    }
}
