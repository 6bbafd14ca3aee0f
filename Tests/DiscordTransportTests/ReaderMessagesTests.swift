import DiscordLoopback
import DiscordProtocol
import Testing
import WakeCore
import WakeService

@testable import DiscordTransport

@Suite("What a reader reads", .timeLimit(.minutes(1)))
struct ReaderMessagesTests {
    @Test("messages come oldest first, with who wrote them, where, and whether they mention us")
    func messages() async throws {
        try await ReaderRig.run { rig in
            let us = try #require(rig.world.botID(token: LoopbackOptions.defaultToken))
            try rig.say("are you there?")
            try await rig.post("<@\(us)> over to you", as: rig.other, mentions: ["users"])
            try await rig.post("yes", as: rig.reader)
            let messages = try await rig.messages().get()
            #expect(messages.map(\.text) == ["are you there?", "<@\(us)> over to you", "yes"])
            #expect(messages.map(\.mentionsUs) == [false, true, false])
            #expect(messages.map(\.author.isBot) == [false, true, true])
            #expect(messages.map(\.author.isOurselves) == [false, false, true])
            #expect(messages.allSatisfy { $0.guild == String(LoopbackOptions.defaultGuild) && $0.parent == nil })
            #expect(messages.map(\.at) == messages.map(\.at).sorted())
        }
    }

    @Test("everybody being mentioned is not us being mentioned")
    func everyone() async throws {
        try await ReaderRig.run { rig in
            try rig.world.perform(
                .permissions(channel: TransportRig.channelID, allow: .mentionEveryone, deny: []))
            try await rig.post("@everyone", as: rig.other, mentions: ["everyone"])
            #expect(try await rig.messages().get().map(\.mentionsUs) == [false])
        }
    }

    @Test("of more than fifty messages the newest fifty are read, and of those only the ones since then")
    func bounds() async throws {
        try await ReaderRig.run { rig in
            for number in 1...120 { try rig.say("\(number)") }
            #expect(try await rig.messages(limit: 500).get().map(\.text) == (71...120).map { "\($0)" })
            #expect(try await rig.messages(limit: 3).get().map(\.text) == ["118", "119", "120"])
            #expect(try await rig.messages(limit: 0).get().isEmpty)
            let last = try #require(try await rig.messages(limit: 1).get().last)
            #expect(try await rig.messages(since: last.at + 1).get().isEmpty)
            #expect(try await rig.messages(since: last.at).get().last == last)
            #expect(try await rig.messages(since: .max).get().isEmpty)
            #expect(try await rig.messages(since: .min, limit: 1).get() == [last])
        }
    }

    @Test("in a thread, archived or not, its parent is told")
    func archivedThread() async throws {
        try await ReaderRig.run { rig in
            try rig.say("in the thread", in: TransportRig.threadID)
            try rig.world.perform(.thread(channel: TransportRig.threadID, archived: true, locked: true))
            let messages = try await rig.messages(in: ReaderRig.route(TransportRig.threadID)).get()
            #expect(messages.map(\.parent) == [String(TransportRig.channelID)])
            #expect(messages.map(\.guild) == [String(LoopbackOptions.defaultGuild)])
        }
    }

    @Test("a person's route reads the conversation with them, also while it is empty")
    func direct() async throws {
        try await ReaderRig.run { rig in
            try rig.say("who am I?")
            let person = try #require(try await rig.messages().get().first?.author.id)
            let route = ReaderRig.route(try #require(UInt64(person)), .user)
            #expect(try await rig.messages(in: route).get().isEmpty)
            guard case .success(let conversation) = await rig.reader.places.resolve(route) else {
                Issue.record("no conversation")
                return
            }
            try rig.say("psst", in: conversation.rawValue)
            let messages = try await rig.messages(in: route).get()
            #expect(messages.map(\.text) == ["psst"])
            #expect(messages.map(\.author.id) == [person])
            #expect(messages.map(\.guild) == [nil])
        }
    }

    @Test("without Read Message History an empty page is no emptiness, and the permission is named")
    func history() async throws {
        try await ReaderRig.run { rig in
            #expect(try await rig.messages().get().isEmpty)
            try rig.say("hidden")
            try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: .readMessageHistory))
            let error = try #require(await rig.refusal())
            #expect(error.code == .unavailable)
            #expect(error.cause == "the bot lacks the permission Read Message History there")
            // The same of a thread in it, whose permissions are its parent's.
            #expect(await rig.refusal(in: ReaderRig.route(TransportRig.threadID))?.cause == error.cause)
        }
    }

    @Test("where our roles can't be read, an empty page is not believed")
    func unknownHistory() async throws {
        try await ReaderRig.run { rig in
            rig.world.add(try LoopbackFault("status status=500 route=/guilds/{id}/roles"))
            #expect(await rig.refusal()?.cause?.contains("Read Message History") == true)
        }
    }

    @Test("a channel that can't be seen, and one that is not there, are told apart")
    func invisible() async throws {
        try await ReaderRig.run { rig in
            let missing = try #require(await rig.refusal(in: ReaderRig.route(424_242)))
            #expect(missing.cause?.contains("no such place") == true)
            #expect(await rig.refusal(in: Route(channel: ReaderRig.channel, kind: .channel, destination: "general")) != nil)
            try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: .viewChannel))
            let hidden = try #require(await rig.refusal())
            #expect(hidden.code == .unavailable)
            #expect(hidden.hint?.contains("View Channel") == true)
        }
    }

    @Test("a short limit is waited for, a long one is told")
    func limits() async throws {
        try await ReaderRig.run { rig in
            try rig.say("hello")
            rig.world.add(try LoopbackFault("rate-limit retry_after=0.01 route=/channels/{id}/messages"))
            #expect(try await rig.messages().get().map(\.text) == ["hello"])
            rig.world.add(try LoopbackFault("rate-limit retry_after=30 route=/channels/{id}/messages"))
            #expect(await rig.refusal()?.cause?.contains("30 s") == true)
        }
    }

    @Test(
        "an answer that can't be read is told",
        arguments: ["garbage-reply", "empty-reply", "html-error", "huge-reply", "drop-request count=9"])
    func badAnswers(fault: String) async throws {
        try await ReaderRig.run { rig in
            rig.world.add(try LoopbackFault(fault + " method=GET route=/channels/{id}/messages"))
            #expect(await rig.refusal()?.code == .unavailable)
        }
    }

    @Test("authors' roles are read once for each, and none where Discord refuses")
    func roles() async throws {
        try await ReaderRig.run { rig in
            for number in 1...5 { try await rig.post("\(number)", as: rig.other) }
            let messages = try await rig.messages().get()
            #expect(Set(messages.map(\.author.roles.count)) == [1])
            #expect(rig.requests(to: "/members/") == 1)
            rig.world.add(try LoopbackFault("status status=403 code=50001 route=/guilds/{id}/members/{id}"))
            #expect(try await rig.messages().get().map(\.author.roles.count) == [0, 0, 0, 0, 0])
        }
    }
}
