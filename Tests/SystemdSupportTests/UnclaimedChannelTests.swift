import Testing
import WakeCore

@testable import SystemdSupport

@Suite("Channels that nobody has claimed")
struct UnclaimedChannelTests {
    @Test("a channel that nobody has claimed at the start is down, so that nothing stays bound to it")
    func unclaimed() throws {
        let channel = try #require(ChannelName("irc:libera"))
        let claims = ChannelClaims([ReporterGrant(channel: channel, uids: [0], units: [])])
        #expect(claims.unclaimed(channel) == [.report(channel, .down(reason: "nobody has reported on it yet", retryAt: nil))])
    }
}

@Suite("Fields of the journal")
struct JournalMessageTests {
    @Test(
        "a place is told by its channel",
        arguments: [
            ("discord:default/channel:1", "discord:default"), ("discord:default", "discord:default"),
            ("gateway:main/discord:default", "gateway:main/discord:default"),
            ("gateway:main/discord:default/channel:1", "gateway:main/discord:default"),
        ])
    func channel(_ place: String, _ channel: String) { #expect(JournalMessage.channel(in: place) == channel) }

    @Test("what is neither a channel nor a route has none")
    func none() { #expect(JournalMessage.channel(in: "self") == nil) }
}
