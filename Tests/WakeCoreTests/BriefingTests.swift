import Testing

@testable import WakeCore

@Suite("Before its first attempt a delivery through a gateway is looked at anew")
struct BriefingTests {
    private static let own = Receipt(id: "99", source: .history)

    @Test(
        "it is asked once its gate is open and before the permit, with all that it would carry", arguments: DeliveryKind.allCases)
    func asked(kind: DeliveryKind) throws {
        var story = Story.throughGateway([kind])
        #expect(Story.briefs(story.on(.channelChanged(Sample.gatewayChannel, .ready(generation: 1)))).isEmpty)
        let directives = story.on(.routeChecked(Sample.gatewayRoute, .ready(RouteCapabilities())))
        let order = try #require(Story.briefs(directives).first)
        #expect(Story.briefs(directives).count == 1 && Story.permits(directives).isEmpty)
        #expect(order.delivery == story.id(kind) && order.session == Sample.key() && order.route == Sample.gatewayRoute)
        #expect(order.notes.map(\.text) == ["note 1"] && order.gateOpenSince == story.now)
        #expect(Story.permits(story.on(.briefed(order.delivery, .needed(missed: [])))) == [order.delivery])
    }

    @Test("channels of our own are never asked about")
    func ownChannels() {
        var story = Story()
        story.begin()
        story.fire(1, owes: [.notice, .turn])
        let directives = story.open()
        #expect(Story.briefs(directives).isEmpty && Story.permits(directives).count == 2)
    }

    @Test("what was missed goes into the turn, and into no notice")
    func missed() throws {
        var story = Story.throughGateway([.notice, .turn])
        let permits = Story.permits(story.openGateway(.needed(missed: [Sample.missed("where are you?")])))
        #expect(permits.count == 2)
        let notice = try #require(Story.sends(story.on(.permitGranted(story.id(.notice)))).first)
        let turn = try #require(Story.sends(story.on(.permitGranted(story.id(.turn)))).first)
        #expect(!notice.text.contains("where are you?"))
        #expect(turn.text.contains("\n> where are you?\n") && turn.text.contains("> note 1"))
    }

    @Test("what others have done is delivered without an attempt, and ends the wake")
    func done() throws {
        var story = Story.throughGateway()
        let order = try #require(Story.briefs(story.open(Sample.gatewayRoute)).first)
        let directives = story.coordinator.step(
            .briefed(order.delivery, .done(Self.own)), at: story.now, dice: Dice(high: 1, low: 1))
        guard case .record(let changes)? = directives.first else {
            Issue.record("nothing to record")
            return
        }
        let delivery = changes.lazy.compactMap { if case .delivery(let delivery) = $0 { delivery } else { nil } }.first
        #expect(delivery?.state == .delivered(Self.own) && delivery?.attempts == 0)
        #expect(!changes.contains { if case .attempt = $0 { true } else { false } })
        story.on(.briefed(order.delivery, .done(Self.own)))
        #expect(story.told.map(\.code) == [.deliveryDelivered, .wakeEnded])
        #expect(story.coordinator.wakes.isEmpty && story.coordinator.deliveries.isEmpty)
    }

    @Test("a notice that others gave leaves the turn owed")
    func halfDone() {
        var story = Story.throughGateway([.notice, .turn])
        story.open(Sample.gatewayRoute)
        let notice = story.id(.notice)
        story.on(.briefed(notice, .done(Self.own)))
        #expect(story.coordinator.wakes.count == 1 && story.delivery(.turn)?.state == .held)
        #expect(Story.permits(story.on(.briefed(story.id(.turn), .needed(missed: [])))) == [story.id(.turn)])
    }

    @Test("while others still have their chance it waits, and asks again after that")
    func notYet() {
        var story = Story.throughGateway()
        let directives = story.openGateway(.notYet(reason: "its ping may come", after: .seconds(4)))
        #expect(directives.isEmpty && story.told.map(\.code) == [.deliveryLeft])
        #expect(story.told.first?.reason == "its ping may come")
        #expect(story.wait(.milliseconds(3_900)).isEmpty)
        #expect(Story.briefs(story.wait(.milliseconds(200))).map(\.delivery) == [story.id()])
        #expect(story.wait(.seconds(60)).isEmpty, "it was asked, and has not answered")
        #expect(Story.permits(story.on(.briefed(story.id(), .needed(missed: [])))) == [story.id()])
    }

    @Test("a gate that shuts forgets what was found, and takes the permit back; it is asked anew")
    func gateShuts() {
        var story = Story.throughGateway([.turn])
        story.openGateway(.needed(missed: [Sample.missed("old")]))
        let shut = story.on(.channelChanged(Sample.gatewayChannel, .down(reason: "it restarts", retryAt: nil)))
        #expect(shut == [.returnPermit(story.id(.turn))])
        #expect(Story.permits(story.openGateway(.needed(missed: [Sample.missed("new")]), generation: 2)) == [story.id(.turn)])
        let text = Story.sends(story.on(.permitGranted(story.id(.turn)))).first?.text ?? ""
        #expect(text.contains("> new") && !text.contains("> old"))
    }

    @Test("a wait that a shut gate cut off is not waited for: it is asked once the gate opens")
    func gateShutsWhileWaiting() {
        var story = Story.throughGateway()
        story.openGateway(.notYet(reason: "its ping may come", after: .seconds(30)))
        story.on(.channelChanged(Sample.gatewayChannel, .down(reason: "it restarts", retryAt: nil)))
        #expect(story.wait(.seconds(31)).isEmpty, "the gate is shut")
        #expect(Story.briefs(story.open(Sample.gatewayRoute, generation: 2)).count == 1)
    }

    @Test(
        "an answer that comes when nobody waits for it is passed over",
        arguments: [
            Briefing.needed(missed: []), .done(Receipt(id: "99", source: .history)), .notYet(reason: "x", after: .seconds(1)),
        ])
    func late(briefing: Briefing) throws {
        var story = Story.throughGateway()
        let order = try #require(Story.briefs(story.open(Sample.gatewayRoute)).first)
        story.on(.channelChanged(Sample.gatewayChannel, .down(reason: "it restarts", retryAt: nil)))
        let before = story.delivery()
        #expect(story.on(.briefed(order.delivery, briefing)).isEmpty && story.told.isEmpty)
        #expect(story.delivery() == before)
        var known = Story.throughGateway()
        known.openGateway()
        #expect(known.on(.briefed(known.id(), briefing)).isEmpty && known.delivery()?.state == .held)
        #expect(known.on(.briefed(DeliveryID(wake: Sample.id(77), kind: .notice), briefing)).isEmpty)
    }

    @Test("it can be cancelled while it is asked about, and while others have their chance")
    func cancelled() throws {
        var story = Story.throughGateway()
        let order = try #require(Story.briefs(story.open(Sample.gatewayRoute)).first)
        story.on(.commanded(.cancelWake(order.delivery.wake), ended: nil, inboxRow: nil))
        #expect(story.told.map(\.code).contains(.deliveryCancelled))
        #expect(story.on(.briefed(order.delivery, .needed(missed: []))).isEmpty)
        #expect(story.coordinator.deliveries.isEmpty)
        var waiting = Story.throughGateway()
        waiting.openGateway(.notYet(reason: "its ping may come", after: .seconds(4)))
        waiting.on(.commanded(.cancelWake(waiting.id().wake), ended: nil, inboxRow: nil))
        #expect(waiting.wait(.seconds(5)).isEmpty && waiting.coordinator.deliveries.isEmpty)
    }

    @Test("after a restart of the daemon it is asked anew, for nothing of it is durable")
    func startedAnew() {
        var asked = Story.throughGateway()
        asked.open(Sample.gatewayRoute)
        var known = Story.throughGateway()
        known.openGateway()
        for story in [asked, known] {
            var next = story.startedAnew()
            #expect(Story.briefs(next.open(Sample.gatewayRoute)).map(\.delivery) == [story.id()])
        }
    }

    @Test("a text that is fixed is not asked about: not before a second attempt, and not after a restart of the daemon")
    func fixed() {
        var story = Story.throughGateway()
        story.openGateway()
        story.on(.permitGranted(story.id()))
        story.on(.attemptEnded(story.id(), .transient(reason: "starting", retryAfter: nil)))
        var next = story.startedAnew()
        let later = story.wait(.seconds(120))
        #expect(Story.permits(later) == [story.id()] && Story.briefs(later).isEmpty)
        let opened = next.open(Sample.gatewayRoute) + next.wait(.seconds(120))
        #expect(Story.permits(opened) == [next.id()] && Story.briefs(opened).isEmpty)
    }

    @Test("a session's deliveries are asked about in turn: the second once the first is through")
    func inTurn() {
        var story = Story.throughGateway()
        story.openGateway()
        let first = story.id()
        story.on(.permitGranted(first))
        story.wish(2, [.notice], .requested)
        let later = story.on(.epochObserved(Sample.gateway, Sample.life(3), settled: true))
        #expect(Story.briefs(later).isEmpty && story.coordinator.deliveries.count == 2)
        let next = story.on(.attemptEnded(first, .accepted(Receipt(id: "1", source: .reply))))
        #expect(Story.briefs(next).map(\.notes).map { $0.map(\.text) } == [["note 2"]])
    }
}

@Suite("Restarts that others know of too")
struct OriginTests {
    @Test("how a wish came to be reaches the wake's note", arguments: [Sentinel.Origin.requested, .adopted, .interrupted])
    func reaches(origin: Sentinel.Origin) {
        var story = Story.throughGateway([.turn], origin: origin)
        let order = Story.briefs(story.open(Sample.gatewayRoute)).first
        #expect(order?.notes.map(\.origin) == [origin])
        #expect(order?.isOwedByUsAlone == (origin == .requested))
    }

    @Test("asked for by hand, adopted and cut off: one session, one wake, one turn, and owed by us alone")
    func merged() throws {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Sample.gateway, Sample.life(1), settled: true))
        story.wish(1, [.notice, .turn], .requested)
        story.wish(2, [.notice, .turn], .adopted)
        story.wish(3, [.turn], .interrupted)
        story.on(.epochObserved(Sample.gateway, Sample.life(2), settled: true))
        #expect(story.coordinator.wakes.count == 1 && story.coordinator.deliveries.count == 2)
        let orders = Story.briefs(story.open(Sample.gatewayRoute))
        #expect(orders.map(\.delivery.kind) == [.notice, .turn])
        for order in orders {
            #expect(Set(order.notes.map(\.origin)) == [.requested, .adopted, .interrupted] && order.isOwedByUsAlone)
        }
        let turn = try #require(orders.last?.delivery)
        story.on(.briefed(turn, .needed(missed: [])))
        let sends = Story.sends(story.on(.permitGranted(turn)))
        #expect(sends.count == 1)
        for number in 1...3 { #expect(sends.first?.text.contains("> note \(number)") == true) }
    }

    @Test("without one that was asked of us it may be others' duty")
    func others() {
        var story = Story()
        story.begin()
        story.on(.epochObserved(Sample.gateway, Sample.life(1), settled: true))
        story.wish(1, [.turn], .adopted)
        story.wish(2, [.turn], .interrupted)
        story.on(.epochObserved(Sample.gateway, Sample.life(2), settled: true))
        #expect(Story.briefs(story.open(Sample.gatewayRoute)).map(\.isOwedByUsAlone) == [false])
    }
}
