import DiscordLoopback
import DiscordTransport
import Logging
import Testing
import WakeService

@testable import WakeCore

@Suite("Notices over the wire", .timeLimit(.minutes(1)))
struct NoticeTests {
    static func isAmbiguous(_ outcome: Outcome) -> Bool { if case .ambiguous = outcome { true } else { false } }

    @Test("a notice arrives once, pings nobody, and has two receipts: the reply and the echo")
    func arrives() async throws {
        try await TransportRig.run { rig in
            let outcome = await rig.send(rig.order("@everyone go on"))
            let message = try #require(rig.world.messages(in: TransportRig.channelID).first)
            #expect(outcome == .accepted(Receipt(id: String(message.id), source: .reply)))
            #expect(message.content == "@everyone go on\n-# reveille \(TransportRig.wake)")
            #expect(message.nonce == TransportRig.delivery.description)
            let echo = await rig.sink.receipt(of: TransportRig.delivery)
            #expect(echo == Receipt(id: String(message.id), source: .echo))
        }
    }

    @Test("the same order sent again within the nonce window shows once")
    func repeats() async throws {
        try await TransportRig.run { rig in
            let first = await rig.send(rig.order())
            let second = await rig.send(rig.order())
            #expect(first == second)
            #expect(rig.contents().count == 1)
        }
    }

    @Test("a long note is one message and one file; without the right to attach it is cut with a hint")
    func longNotes() async throws {
        try await TransportRig.run { rig in
            let note = String(repeating: "line of a long note\n", count: 300)
            _ = await rig.send(rig.order(note))
            let message = try #require(rig.world.messages(in: TransportRig.channelID).first)
            #expect(message.content.utf16.count <= 2000)
            #expect(message.files["note.md"] == Array(note.utf8))
            let other = Identifier(high: 1, low: 2)
            _ = await rig.send(rig.order(note, wake: other, mayAttachFiles: false))
            #expect(rig.contents().last?.contains("reveille wake show \(other)") == true)
        }
    }

    @Test(
        "each 429 is transient with its wait, and the next request waits by itself",
        arguments: [
            "rate-limit scope=user retry_after=0.3", "rate-limit scope=shared retry_after=0.3",
            "rate-limit scope=global retry_after=0.3",
            "rate-limit-page retry_after=1",
        ])
    func rateLimits(fault: String) async throws {
        try await TransportRig.run { rig in
            rig.world.add(try LoopbackFault(fault + " method=POST"))
            guard case .transient(_, let retryAfter?) = await rig.send(rig.order()) else {
                Issue.record("not transient")
                return
            }
            #expect(retryAfter >= .milliseconds(300))
            let begun = ContinuousClock.now
            guard case .accepted = await rig.send(rig.order()) else {
                Issue.record("not accepted afterwards")
                return
            }
            #expect(ContinuousClock.now - begun >= .milliseconds(250), "the limiter held it back")
        }
    }

    @Test("a burst is paced by the limits that answers tell, without one 429")
    func burst() async throws {
        var options = LoopbackOptions.quick
        options.messageLimit = (requests: 5, seconds: 1)
        try await TransportRig.run(options: options) { rig in
            await withTaskGroup(of: Outcome.self) { group in
                for number in 0..<12 as Range<UInt64> {
                    group.addTask { await rig.send(rig.order(wake: Identifier(high: 99, low: number))) }
                }
                for await outcome in group {
                    if case .accepted = outcome { continue }
                    Issue.record("\(outcome)")
                }
            }
            #expect(rig.contents().count == 12)
            #expect(rig.count("rate_limited") == 0)
        }
    }

    @Test(
        "server errors, empty and broken answers are ambiguous",
        arguments: [
            "status status=500", "status status=503", "html-error status=502", "empty-reply", "garbage-reply", "huge-reply",
            "drop-request",
            "reset-request", "hang-request",
        ])
    func ambiguous(fault: String) async throws {
        try await TransportRig.run { rig in
            rig.world.add(try LoopbackFault(fault + " method=POST"))
            let outcome = await rig.send(rig.order())
            #expect(Self.isAmbiguous(outcome), "\(outcome)")
        }
    }

    @Test(
        "a reply that is lost after the message was stored is found by its echo and in history",
        arguments: ["lost-reply", "empty-reply"])
    func lostReply(fault: String) async throws {
        try await TransportRig.run { rig in
            let since = try rig.now()
            rig.world.add(try LoopbackFault("lost-reply method=POST"))
            let outcome = await rig.send(rig.order())
            #expect(Self.isAmbiguous(outcome), "\(outcome)")
            let message = try #require(rig.world.messages(in: TransportRig.channelID).first)
            let echo = await rig.sink.receipt(of: TransportRig.delivery)
            #expect(echo?.id == String(message.id))
            let found = await rig.search(rig.order(), since: since)
            #expect(found == .found(Receipt(id: String(message.id), source: .history)))
            #expect(rig.contents().count == 1)
        }
    }

    @Test("a person who writes in a channel is told, with the place; our own messages are not taken for one")
    func activity() async throws {
        try await TransportRig.run { rig in
            _ = await rig.send(rig.order())
            _ = await rig.sink.receipt(of: TransportRig.delivery)
            try rig.world.perform(.message(channel: TransportRig.channelID, content: "are you there?"))
            #expect(await rig.sink.activity()?.destination == String(TransportRig.channelID))
            #expect(rig.sink.reports.count { if case .activity = $0 { true } else { false } } == 1)
        }
    }

    @Test("an echo that came while nobody listened is replayed by the resume")
    func replayedEcho() async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(.halfOpen)
            _ = await rig.send(rig.order())
            try rig.world.perform(.reset)
            await rig.sink.generation(2)
            #expect(await rig.sink.receipt(of: TransportRig.delivery)?.source == .echo)
        }
    }

    @Test("a request that never arrived is provably absent where history may be read, else nobody can tell")
    func absent() async throws {
        try await TransportRig.run { rig in
            try rig.world.perform(.message(channel: TransportRig.channelID, content: "somebody was here"))
            let since = try rig.now()
            rig.world.add(try LoopbackFault("drop-request method=POST"))
            _ = await rig.send(rig.order())
            #expect(await rig.search(rig.order(), since: since) == .absent)
            try rig.world.perform(.permissions(channel: TransportRig.channelID, allow: [], deny: .readMessageHistory))
            guard case .cannotTell = await rig.search(rig.order(), since: since) else {
                Issue.record("emptiness alone proved absence")
                return
            }
        }
    }

    @Test("a search that Discord does not answer is to be tried again")
    func searchFails() async throws {
        try await TransportRig.run { rig in
            rig.world.add(try LoopbackFault("html-error status=502 method=GET"))
            guard case .tryAgain = await rig.search(rig.order(), since: try rig.now()) else {
                Issue.record("concluded something")
                return
            }
        }
    }

    @Test("a refused connection is transient: not a byte was written")
    func refused() async throws {
        var options = LoopbackOptions.quick
        options.adminPort = 0
        try await TransportRig.run(options: options) { rig in
            try rig.world.perform(.outage(.refuse, lasting: nil))
            _ = await rig.sink.state { if case .down = $0 { true } else { false } }
            // The first may still go into a connection that was open before, of which nobody can say what it took.
            _ = await rig.send(rig.order())
            let outcome = await rig.send(rig.order())
            guard case .transient = outcome else {
                Issue.record("\(outcome)")
                return
            }
            try rig.world.perform(.endOutage)
            await rig.sink.generation(2)
            guard case .accepted = await rig.send(rig.order()) else {
                Issue.record("not accepted after the outage")
                return
            }
        }
    }

    @Test("permits that are given back, and waits that are ended, leave nothing behind")
    func permits() async throws {
        var options = LoopbackOptions.quick
        options.messageLimit = (requests: 1, seconds: 2)
        try await TransportRig.run(options: options) { rig in
            let order = rig.order()
            #expect(await rig.transport.acquirePermit(order.delivery, over: order.route))
            let second = DeliveryID(wake: Identifier(high: 3, low: 3), kind: .notice)
            async let waiting = rig.transport.acquirePermit(second, over: order.route)
            let third = Task {
                await rig.transport.acquirePermit(DeliveryID(wake: Identifier(high: 4, low: 4), kind: .notice), over: order.route)
            }
            third.cancel()
            #expect(await third.value == false)
            rig.transport.releasePermit(order.delivery)
            #expect(await waiting)
            rig.transport.releasePermit(second)
            rig.transport.releasePermit(second)
            guard case .accepted = await rig.send(order) else {
                Issue.record("a permit was lost")
                return
            }
        }
    }

    @Test("outside of run everything is answered as not sent")
    func outsideOfRun() async throws {
        let settings = try DiscordSettings(token: try #require(BotToken("t")), apiBase: "http://127.0.0.1:9/api")
        let transport = DiscordChannel(
            settings: settings, store: MemorySessions(), moments: try SystemMoments(environment: [:]), dice: SmallDice(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        #expect(await transport.check(TransportRig.place) == .unknown)
    }
}
