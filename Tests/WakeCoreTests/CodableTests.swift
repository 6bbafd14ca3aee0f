import Foundation
import Testing

@testable import WakeCore

@Suite("What the ledger keeps")
struct CodableTests {
    private func roundTrip<Value: Codable & Equatable>(_ value: Value) throws {
        let data = try JSONEncoder().encode([value])
        #expect(try JSONDecoder().decode([Value].self, from: data) == [value])
    }

    @Test("every state of a sentinel reads back")
    func sentinels() throws {
        var sentinel = Sentinel(Sample.request(target: .exec), epoch: nil, at: Sample.start)
        let causes: [Sentinel.Cause] = [
            .restarted, .restartedElsewhere, .asked, .commandSucceeded, .resultUnknown, .didNotHappen(reason: "ä\n"),
            .targetFailed(reason: "x"),
        ]
        let states: [Sentinel.State] =
            [.armed, .restarting, .notRestarted(reason: "no"), .targetFailed(reason: "x"), .expired, .cancelled]
            + causes.map { .fired($0) }
        for state in states {
            sentinel.state = state
            try roundTrip(sentinel)
        }
        try roundTrip(Sentinel(Sample.request(), epoch: .startedAt(boot: Sample.boot, microseconds: 7), at: Sample.start))
    }

    @Test("every state of a delivery reads back")
    func deliveries() throws {
        var delivery = Delivery(
            id: DeliveryID(wake: Sample.id(1), kind: .turn), session: Sample.key(), route: Sample.route, sequence: 3,
            at: Sample.start)
        delivery.message = .init(text: "text", members: [Sample.id(2)])
        delivery.firstUnresolvedAttemptAt = Sample.after(3)
        let states: [Delivery.State] = [
            .held, .sending, .waiting(until: Sample.after(9)), .reconciling,
            .delivered(Receipt(kind: .run, id: "r", source: .history)),
            .dead(reason: "gone"), .expired, .cancelled, .unresolved(reason: "can't tell"),
        ]
        for state in states {
            delivery.state = state
            try roundTrip(delivery)
        }
    }

    @Test("wakes, places and states of channels and routes read back")
    func others() throws {
        var story = Story()
        story.begin()
        story.fire(1, owes: [.notice, .turn])
        for wake in story.coordinator.wakes.values { try roundTrip(wake) }
        for state in [
            ChannelState.unknown, .connecting, .ready(generation: 7), .down(reason: "lost", retryAt: Sample.start),
            .blocked(reason: "token"),
        ] { try roundTrip(state) }
        for state in [RouteState.unknown, .ready(.init(mayAttachFiles: true)), .blocked(reason: "x"), .gone(reason: "y")] {
            try roundTrip(state)
        }
        for command in [
            OperatorCommand.cancelSentinel(Sample.id(1)), .cancelWake(Sample.id(2)), .retryWake(Sample.id(3)),
            .markDelivered(Sample.id(4)),
        ] { try roundTrip(command) }
        try roundTrip(Sample.key("agent:infra:discord:channel:101:thread:102"))
        try roundTrip(Sentinel.CommandResult.signalled(number: 9))
    }

    @Test("what is none of ours is refused")
    func refused() {
        #expect(throws: (any Error).self) { try JSONDecoder().decode([Identifier].self, from: Data("[\"short\"]".utf8)) }
        #expect(throws: (any Error).self) { try JSONDecoder().decode([Route].self, from: Data("[\"nowhere\"]".utf8)) }
        #expect(throws: (any Error).self) { try JSONDecoder().decode([RestartTarget].self, from: Data("[\"pod:x\"]".utf8)) }
    }
}
