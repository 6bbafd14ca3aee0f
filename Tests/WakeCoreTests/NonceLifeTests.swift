import Testing

@testable import WakeCore

@Suite("A nonce that only one life of a gateway remembers")
struct NonceLifeTests {
    private static let arrived = Receipt(id: "1", source: .history)

    /// An attempt went through the gateway's second life, and what became of it is unknown; a search is under way.
    private func unclear(_ kind: DeliveryKind) throws -> (Story, SendOrder) {
        var story = Story.throughGateway([kind])
        story.openGateway()
        let first = try #require(Story.sends(story.on(.permitGranted(story.id(kind)))).first)
        #expect(first.life == nil, "nothing is unclear yet")
        #expect(Story.searches(story.on(.attemptEnded(story.id(kind), .ambiguous(reason: "cut off")))).count == 1)
        return (story, first)
    }

    /// Lets time pass until it may be sent, and sends it.
    private func sent(_ kind: DeliveryKind, _ story: inout Story) -> SendOrder? {
        guard !Story.permits(story.wait(.seconds(30))).isEmpty else { return nil }
        return Story.sends(story.on(.permitGranted(story.id(kind)))).first
    }

    private func restarted(_ story: inout Story) {
        story.on(.epochObserved(Sample.gateway, Sample.life(3), settled: true))
    }

    @Test(
        "while that life lasts it is repeated under the same nonce, and the order names the life",
        arguments: DeliveryKind.allCases)
    func sameLife(kind: DeliveryKind) throws {
        var (story, first) = try unclear(kind)
        story.on(.searched(story.id(kind), .cannotTell(reason: "it may have it in hand")))
        let second = try #require(sent(kind, &story))
        #expect(second.nonce == first.nonce && second.life == Sample.life(2) && second.attempt == 2)
        #expect(second.text == first.text, "no word of a repeat: it can't show twice")
    }

    @Test("in another life a notice is sent once more, marked as a possible repeat, and bound to no life")
    func noticeInNextLife() throws {
        var (story, first) = try unclear(.notice)
        restarted(&story)
        story.on(.searched(story.id(), .cannotTell(reason: "no token to read with")))
        let second = try #require(sent(.notice, &story))
        #expect(second.text == NoticeText.possibleRepeat + "\n" + first.text && second.life == nil)
        story.on(.attemptEnded(story.id(), .ambiguous(reason: "cut off again")))
        story.on(.searched(story.id(), .cannotTell(reason: "no token to read with")))
        #expect(story.told.map(\.code).contains(.deliveryUnresolved), "a second unclear repeat would be a third message")
    }

    @Test("in another life a turn is not started twice: it is left to a person")
    func turnInNextLife() throws {
        var (story, _) = try unclear(.turn)
        restarted(&story)
        #expect(story.on(.searched(story.id(.turn), .cannotTell(reason: "no chat.history"))).isEmpty)
        #expect(story.told.map(\.code) == [.deliveryUnresolved, .wakeEnded])
    }

    @Test("a life that is not known protects nothing: after a restart of the daemon without its epoch")
    func unknownLife() throws {
        let (story, _) = try unclear(.turn)
        var next = Story()
        next.now = story.now
        next.coordinator.adopt(story.coordinator.wakes.values.map { .wake($0) })
        next.coordinator.adopt(story.coordinator.deliveries.values.map { .delivery($0) })
        next.begin("two")
        #expect(Story.searches(next.open(Sample.gatewayRoute)).count == 1)
        next.on(.searched(next.id(.turn), .cannotTell(reason: "no chat.history")))
        #expect(next.told.map(\.code).contains(.deliveryUnresolved))
    }

    @Test("a restart of the daemon keeps the life with the attempt", arguments: DeliveryKind.allCases)
    func daemonRestarts(kind: DeliveryKind) throws {
        let (story, first) = try unclear(kind)
        var next = story.startedAnew()
        #expect(Story.searches(next.open(Sample.gatewayRoute)).count == 1)
        next.on(.searched(next.id(kind), .cannotTell(reason: "it may have it in hand")))
        let second = try #require(sent(kind, &next))
        #expect(second.nonce == first.nonce && second.life == Sample.life(2))
    }

    @Test("a repeat that waits when the life ends is looked for first, not sent", arguments: DeliveryKind.allCases)
    func endsWhileItWaits(kind: DeliveryKind) throws {
        var (story, _) = try unclear(kind)
        story.on(.searched(story.id(kind), .cannotTell(reason: "it may have it in hand")))
        #expect(Story.permits(story.wait(.seconds(30))) == [story.id(kind)])
        restarted(&story)
        let directives = story.on(.permitGranted(story.id(kind)))
        #expect(Story.sends(directives).isEmpty && directives.contains(.returnPermit(story.id(kind))))
        #expect(Story.searches(directives).map(\.delivery) == [story.id(kind)])
    }

    @Test("even the same life is not trusted beyond the nonce window", arguments: DeliveryKind.allCases)
    func window(kind: DeliveryKind) throws {
        var (story, _) = try unclear(kind)
        story.now = story.now.advanced(by: story.coordinator.policy.nonceWindow)
        story.on(.searched(story.id(kind), .cannotTell(reason: "it may have it in hand")))
        if kind == .turn { return #expect(story.told.map(\.code).contains(.deliveryUnresolved)) }
        let second = try #require(sent(kind, &story))
        #expect(second.text.hasPrefix(NoticeText.possibleRepeat) && second.life == nil)
    }

    @Test("what a search finds in the next life is delivered", arguments: DeliveryKind.allCases)
    func found(kind: DeliveryKind) throws {
        var (story, _) = try unclear(kind)
        restarted(&story)
        story.on(.searched(story.id(kind), .found(Self.arrived)))
        #expect(story.told.map(\.code).contains(.deliveryDelivered) && story.coordinator.deliveries.isEmpty)
    }

    @Test("what can't arrive any more is sent again at once", arguments: DeliveryKind.allCases)
    func prevented(kind: DeliveryKind) throws {
        var (story, _) = try unclear(kind)
        restarted(&story)
        story.on(.searched(story.id(kind), .prevented))
        #expect(try #require(sent(kind, &story)).attempt == 2)
    }

    @Test(
        "what is provably absent in the next life is sent again as new, once nothing can be under way",
        arguments: DeliveryKind.allCases)
    func absent(kind: DeliveryKind) throws {
        var (story, first) = try unclear(kind)
        restarted(&story)
        #expect(story.on(.searched(story.id(kind), .absent)).isEmpty, "the request may still be on its way")
        let again = story.wait(story.coordinator.policy.attemptTimeout)
        #expect(Story.searches(again).count == 1 && Story.sends(again).isEmpty)
        story.on(.searched(story.id(kind), .absent))
        let second = try #require(sent(kind, &story))
        #expect(second.text == first.text && second.life == nil && second.attempt == 2)
        #expect(story.delivery(kind)?.life == Sample.life(3), "the attempt belongs to the life that it went to")
    }

    @Test("on a channel of our own a nonce needs no life, and a turn has none")
    func ownChannel() throws {
        var story = Story()
        story.begin()
        story.fire(1)
        story.open()
        _ = story.on(.permitGranted(story.id()))
        story.on(.attemptEnded(story.id(), .ambiguous(reason: "503")))
        story.on(.searched(story.id(), .cannotTell(reason: "no history")))
        let second = try #require(sent(.notice, &story))
        #expect(second.attempt == 2 && second.life == nil && !second.text.hasPrefix(NoticeText.possibleRepeat))
    }
}
