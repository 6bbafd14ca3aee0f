import Testing

@testable import WakeCore

/// Where a delivery may stand, with what it remembers of an older unclear attempt.
private enum Standing: String, CaseIterable {
    case held, heldUnclear, sending, sendingUnclear, waiting, waitingUnclear, reconciling
    case delivered, dead, expired, cancelled, unresolved

    func make() -> Delivery {
        var delivery = Delivery(
            id: DeliveryID(wake: Sample.id(7), kind: .notice), session: Sample.key(), route: Sample.route, sequence: 1,
            at: Sample.start)
        for event in events { _ = delivery.handle(event, at: Sample.start, jitter: Sample.jitter, policy: Sample.policy) }
        return delivery
    }

    private var events: [Delivery.Event] {
        let permit = Delivery.Event.permitGranted(.init(text: "text", members: []))
        let refused = Delivery.Event.attemptEnded(.transient(reason: "429", retryAfter: nil), open: .zero)
        let unclear: [Delivery.Event] = [permit, .attemptEnded(.ambiguous(reason: "no answer"), open: .zero)]
        switch self {
        case .held: return []
        case .sending: return [permit]
        case .waiting: return [permit, refused]
        case .reconciling: return unclear
        case .waitingUnclear: return unclear + [.searched(.absent)]
        case .heldUnclear: return unclear + [.searched(.absent), .waitOver(open: .zero)]
        case .sendingUnclear: return unclear + [.searched(.absent), .waitOver(open: .zero), permit]
        case .delivered: return [permit, .attemptEnded(.accepted(Receipt(id: "1", source: .reply)), open: .zero)]
        case .dead: return [permit, .attemptEnded(.permanent(reason: "faulty"), open: .zero)]
        case .expired: return [.holdOver]
        case .cancelled: return [.cancelled]
        case .unresolved: return unclear + [.holdOver]
        }
    }
}

private let events: [(String, Delivery.Event)] = [
    ("permit", .permitGranted(.init(text: "text", members: []))),
    ("accepted", .attemptEnded(.accepted(Receipt(id: "9", source: .reply)), open: .zero)),
    ("refused", .attemptEnded(.transient(reason: "429", retryAfter: nil), open: .zero)),
    ("shut", .attemptEnded(.unavailable(.route, reason: "403"), open: .zero)),
    ("faulty", .attemptEnded(.permanent(reason: "too long"), open: .zero)),
    ("unclear", .attemptEnded(.ambiguous(reason: "no answer"), open: .zero)),
    ("found", .searched(.found(Receipt(id: "9", source: .history)))),
    ("absent", .searched(.absent)),
    ("can'ttell", .searched(.cannotTell(reason: "no permission"))),
    ("again", .searched(.tryAgain(reason: "500", retryAfter: nil))),
    ("echo", .receiptSeen(Receipt(id: "9", source: .echo))),
    ("waited", .waitOver(open: .zero)),
    ("start", .daemonStarted),
    ("hold", .holdOver),
    ("gone", .destinationGone(reason: "unknown channel")),
    ("loop", .loopSuspected(reason: "loops")),
    ("reroute", .rerouted(Sample.otherRoute)),
    ("cancel", .cancelled),
    ("retry", .retried),
    ("mark", .markedDelivered),
]

@Suite("The delivery machine")
struct DeliveryMachineTests {
    /// Every state by every event, 5 min later: what is not named here stays as it is.
    static let moves: [String: [String: String]] = [
        "held": [
            "permit": "sending", "hold": "expired", "gone": "dead", "loop": "unresolved", "cancel": "cancelled",
        ],
        "heldUnclear": [
            "permit": "reconciling", "accepted": "delivered", "echo": "delivered", "hold": "unresolved", "gone": "unresolved",
            "cancel": "reconciling",
        ],
        "sending": [
            "accepted": "delivered", "refused": "waiting", "shut": "held", "faulty": "dead", "unclear": "reconciling",
            "echo": "delivered", "start": "reconciling",
        ],
        "sendingUnclear": [
            "accepted": "delivered", "refused": "waiting", "shut": "held", "faulty": "reconciling", "unclear": "reconciling",
            "echo": "delivered", "start": "reconciling",
        ],
        "waiting": [
            "waited": "held", "hold": "expired", "gone": "dead", "cancel": "cancelled", "retry": "held",
            // Refused means that it did not arrive; but who hears of an arrival believes it.
            "accepted": "delivered", "echo": "delivered",
        ],
        "waitingUnclear": [
            "waited": "held", "accepted": "delivered", "echo": "delivered", "hold": "unresolved", "gone": "unresolved",
            "cancel": "reconciling", "retry": "held",
        ],
        "reconciling": [
            "accepted": "delivered", "echo": "delivered", "found": "delivered", "absent": "waiting", "can'ttell": "waiting",
            "hold": "unresolved", "gone": "unresolved",
        ],
        "delivered": [:],
        "dead": ["accepted": "delivered", "echo": "delivered", "cancel": "cancelled", "retry": "held"],
        "expired": ["cancel": "cancelled", "retry": "held"],
        "cancelled": [:],
        "unresolved": [
            "accepted": "delivered", "echo": "delivered", "cancel": "cancelled", "retry": "held", "mark": "delivered",
        ],
    ]

    @Test("makes every move of the drawing and no other", arguments: Standing.allCases.map(\.rawValue))
    func table(name: String) throws {
        let standing = try #require(Standing(rawValue: name))
        let expected = try #require(Self.moves[name])
        for (word, event) in events {
            var delivery = standing.make()
            let before = delivery.stateName
            _ = delivery.handle(event, at: Sample.after(300), jitter: Sample.jitter, policy: Sample.policy)
            #expect(delivery.stateName == expected[word] ?? before, "\(name) on \(word)")
        }
    }

    @Test("a cancelled delivery is sent again by nothing but an operator")
    func cancelDuringSend() {
        var delivery = Standing.sendingUnclear.make()
        #expect(delivery.on(.cancelled).isEmpty)
        #expect(delivery.stateName == "sending", "a request under way can't be recalled")
        let directives = delivery.on(.attemptEnded(.transient(reason: "429", retryAfter: nil), open: .zero))
        #expect(directives == [.search(after: .zero)], "an older attempt is unclear: it is looked for, not repeated")
        _ = delivery.on(.searched(.absent), at: 1)
        #expect(delivery.stateName == "reconciling", "it may still be on its way")
        _ = delivery.on(.searched(.absent), at: 30)
        #expect(delivery.stateName == "cancelled")
    }

    @Test("waiting for a place charges nothing, a failed attempt does")
    func charging() {
        var delivery = Standing.sending.make()
        let directives = delivery.on(.attemptEnded(.unavailable(.channel, reason: "401"), open: .zero))
        #expect(directives == [.block(.channel, reason: "401")])
        #expect(delivery.attempts == 0)
        #expect(delivery.message != nil, "what is said stays fixed")
        var refused = Standing.waiting.make()
        #expect(refused.attempts == 1)
        _ = refused.on(.waitOver(open: .seconds(2)))
        #expect(refused.openTime == .seconds(2), "only the time with the gate open counts")
    }

    @Test("the nonce window counts from the first unclear attempt, and a later 429 does not clear it")
    func window() {
        var delivery = Standing.sendingUnclear.make()
        let first = delivery.firstUnresolvedAttemptAt
        _ = delivery.on(.attemptEnded(.transient(reason: "429", retryAfter: nil), open: .zero), at: 50)
        _ = delivery.on(.waitOver(open: .zero), at: 60)
        #expect(delivery.firstUnresolvedAttemptAt == first)
        #expect(delivery.on(.permitGranted(.init(text: "text", members: [])), at: 99) == [.send])
        _ = delivery.on(.attemptEnded(.transient(reason: "429", retryAfter: nil), open: .zero), at: 100)
        _ = delivery.on(.waitOver(open: .zero), at: 101)
        let late = delivery.on(.permitGranted(.init(text: "text", members: [])), at: 101)
        #expect(late == [.returnPermit, .search(after: .zero)], "with 20 s for the request itself the window is over")
    }

    @Test("what is not there yet is absent only once no request can be on its way")
    func earlyAbsence() {
        var delivery = Standing.reconciling.make()
        _ = delivery.on(.searched(.absent), at: 5)
        #expect(delivery.firstUnresolvedAttemptAt != nil, "repeated under the same nonce, which protects it")
        var late = Standing.reconciling.make()
        _ = late.on(.searched(.absent), at: 20)
        #expect(late.firstUnresolvedAttemptAt == nil)
        var turn = Delivery(
            id: DeliveryID(wake: Sample.id(7), kind: .turn), session: Sample.key(), route: Sample.route, sequence: 1,
            at: Sample.start)
        _ = turn.on(.permitGranted(.init(text: "text", members: [])))
        _ = turn.on(.attemptEnded(.ambiguous(reason: "no answer"), open: .zero), at: 1)
        #expect(turn.on(.searched(.absent), at: 6) == [.search(after: .seconds(15))], "a turn has no nonce to protect it")
    }

    @Test("an unclear notice is repeated once outside the window and says so; a turn is not")
    func policies() {
        var notice = Standing.reconciling.make()
        _ = notice.on(.searched(.cannotTell(reason: "no permission")), at: 200)
        #expect(notice.stateName == "waiting")
        #expect(notice.saysPossibleRepeat)
        _ = notice.on(.waitOver(open: .zero), at: 201)
        #expect(notice.on(.permitGranted(.init(text: "text", members: [])), at: 201) == [.send])
        _ = notice.on(.attemptEnded(.ambiguous(reason: "no answer"), open: .zero), at: 202)
        _ = notice.on(.searched(.cannotTell(reason: "no permission")), at: 203)
        #expect(notice.stateName == "unresolved", "a second unclear repeat would be a third message")
    }

    @Test("an operator's retry has a nonce of its own, waits for nobody, and is protected like any other")
    func retry() {
        var delivery = Standing.unresolved.make()
        let old = delivery.nonce
        _ = delivery.on(.retried, at: 1000)
        #expect(delivery.nonce != old && delivery.nonce.utf8.count == 25)
        #expect(delivery.isOutOfOrder && delivery.saysPossibleRepeat)
        #expect(delivery.owedSince == Sample.after(1000), "its hold counts anew")
        #expect(delivery.on(.permitGranted(.init(text: "text", members: [])), at: 1001) == [.send])
        _ = delivery.on(.attemptEnded(.ambiguous(reason: "no answer"), open: .zero), at: 1002)
        _ = delivery.on(.searched(.cannotTell(reason: "no permission")), at: 1003)
        _ = delivery.on(.waitOver(open: .zero), at: 1004)
        let late = delivery.on(.permitGranted(.init(text: "text", members: [])), at: 2000)
        #expect(late == [.returnPermit, .search(after: .zero)], "its window is over: looked for first")
    }

    @Test("what was never sent keeps its nonce when it is retried")
    func retryUnsent() {
        var delivery = Standing.expired.make()
        _ = delivery.on(.retried)
        #expect(delivery.round == 0 && !delivery.saysPossibleRepeat)
    }

    @Test("the budget ends what is refused for a day with its gate open")
    func budget() {
        var delivery = Standing.waiting.make()
        _ = delivery.on(.waitOver(open: .seconds(86_399)))
        _ = delivery.on(.permitGranted(.init(text: "text", members: [])))
        _ = delivery.on(.attemptEnded(.transient(reason: "429", retryAfter: nil), open: .seconds(2)))
        #expect(delivery.stateName == "dead")
    }

    @Test("after a reboot a wait goes on where the clock tells, and begins anew where it does not")
    func waitAcrossBoots() {
        var delivery = Standing.sending.make()
        _ = delivery.on(.attemptEnded(.transient(reason: "429", retryAfter: .seconds(60)), open: .zero))
        var same = delivery
        #expect(
            same.handle(.daemonStarted, at: Sample.nextBoot(after: 20), jitter: Sample.jitter, policy: Sample.policy)
                == [.wakeUp(after: .seconds(40))])
        #expect(
            delivery.handle(
                .daemonStarted, at: Sample.nextBoot(after: 900_000, synchronised: false), jitter: Sample.jitter,
                policy: Sample.policy) == [.wakeUp(after: .seconds(60))])
    }
}

extension Delivery {
    mutating func on(_ event: Event, at seconds: Double = 0) -> [Directive] {
        handle(event, at: Sample.after(seconds), jitter: Sample.jitter, policy: Sample.policy)
    }
}
