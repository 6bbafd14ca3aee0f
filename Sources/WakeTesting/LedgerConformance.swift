import WakeCore
public import WakeService

/// What every ledger must do, tried on an empty one. Each rule is a promise of ``WakeService/Ledger`` or ``WakeService/Inbox``.
public struct LedgerConformance<Subject: Ledger & Inbox> {
    /// A promise that was not kept.
    public struct Violation: Error, CustomStringConvertible {
        /// The rule, and what was found instead.
        public let description: String
    }

    private let make: () throws -> Subject
    private let reopen: (Subject) throws -> Subject

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - make: makes an empty ledger.
    ///   - reopen: ends its process without a goodbye, and opens what is left.
    public init(make: @escaping () throws -> Subject, reopen: @escaping (Subject) throws -> Subject) {
        self.make = make
        self.reopen = reopen
    }

    /// Tries every rule.
    ///
    /// - Throws: the first ``Violation``, or what the ledger throws.
    public func check() throws {
        try emptyHoldsNothing()
        try stateSurvives()
        try changesAreAllOrNothing()
        try passingStateIsNotKept()
        try endedThingsAreNotLoaded()
        try youngOwnWakesAreLoaded()
        try sequenceGoesOn()
        try endedWakeIsFound()
        try inboxKeepsOrder()
        try inboxForgetsWhatWasApplied()
        try inboxNumbersGrow()
        try inboxSetsAside()
        try selfRequestsKeepTheEpoch()
    }

    // MARK: State

    private func emptyHoldsNothing() throws {
        let ledger = try make()
        try demand(try ledger.load(endedWakesSince: Story.start).isEmpty, "an empty ledger loads nothing")
        try demand(try ledger.inbox(after: 0, limit: 10).isEmpty, "an empty ledger's inbox is empty")
    }

    private func stateSurvives() throws {
        var story = Story(try make())
        for number in 1...5 { try story.request(number) }
        try story.restart()
        try story.openGates()
        try story.grantPermits()
        story.ledger = try reopen(story.ledger)
        let loaded = try story.loaded()
        try demand(loaded.sentinels == story.coordinator.sentinels, "every open sentinel is loaded as it was committed last")
        try demand(loaded.wakes == story.coordinator.wakes, "every live wake is loaded as it was committed last")
        try demand(loaded.deliveries == story.coordinator.deliveries, "every delivery is loaded as it was committed last")
        try demand(loaded.epochs == story.coordinator.epochs, "every epoch is loaded as it was committed last")
        try demand(!loaded.deliveries.isEmpty, "the story has deliveries")
    }

    private func changesAreAllOrNothing() throws {
        var story = Story(try make())
        try story.request(1)
        try story.restart()
        story.ledger = try reopen(story.ledger)
        let loaded = try story.loaded()
        let isWhole = loaded.deliveries.values.allSatisfy { loaded.wakes[$0.id.wake] != nil }
        try demand(isWhole && loaded.wakes.count == 1, "a wake and its deliveries come together")
    }

    private func passingStateIsNotKept() throws {
        let ledger = try make()
        try ledger.commit([.timersPassed(upToMicroseconds: 5), .unsettled(.host, .token("new"))])
        let kept = try reopen(ledger).load(endedWakesSince: Story.start)
        try demand(kept.allSatisfy(\.isDurable), "changes that are not durable are passed over")
    }

    private func endedThingsAreNotLoaded() throws {
        var story = Story(try make())
        try story.request(1)
        try story.restart()
        try story.deliverAll()
        story.ledger = try reopen(story.ledger)
        let loaded = try story.loaded(since: story.now.advanced(by: .seconds(3600)))
        try demand(loaded.wakes.isEmpty && loaded.deliveries.isEmpty, "ended wakes and their deliveries are not live")
        try demand(loaded.sentinels.isEmpty, "ended sentinels are not live")
        try demand(loaded.epochs == story.coordinator.epochs, "epochs are loaded though everything has ended")
    }

    private func youngOwnWakesAreLoaded() throws {
        var story = Story(try make())
        let policy = Policy()
        for round in 1...policy.loopWakes {
            try story.request(round)
            try story.restart(as: "instance \(round)")
            try story.deliverAll()
        }
        story.ledger = try reopen(story.ledger)
        story.coordinator = try story.loaded(since: Story.start)
        try story.request(100, owes: [.turn])
        try story.restart(as: "instance 100")
        let states = story.coordinator.deliveries.values.map(\.stateName) + story.endedStates
        try demand(states.last == "unresolved", "a loop of own restarts is seen across restarts of the daemon")
    }

    private func sequenceGoesOn() throws {
        var story = Story(try make())
        for round in 1...3 {
            try story.request(round)
            try story.restart(as: "instance \(round)")
            try story.deliverAll()
        }
        story.ledger = try reopen(story.ledger)
        story.coordinator = try story.loaded(since: story.now.advanced(by: .seconds(86_400)))
        try story.request(4)
        try story.restart(as: "instance 4")
        let sequence = story.coordinator.wakes.values.map(\.sequence).max() ?? 0
        try demand(sequence >= 4, "a wake's sequence is higher than that of every wake before it, ended ones too")
    }

    private func endedWakeIsFound() throws {
        var story = Story(try make())
        try story.request(1)
        try story.restart()
        let id = story.coordinator.wakes.keys.first ?? Story.identifier(0)
        try demand(try story.ledger.endedWake(id) == nil, "a live wake is not found as an ended one")
        try story.deliverAll()
        story.ledger = try reopen(story.ledger)
        let found = try story.ledger.endedWake(id)
        try demand(
            found?.wake.state == .ended && found?.deliveries.map(\.id) == found?.wake.deliveries,
            "an ended wake is found with its deliveries")
        try demand(try story.ledger.endedWake(Story.identifier(77)) == nil, "a wake that never was is not found")
    }

    // MARK: Inbox

    private func inboxKeepsOrder() throws {
        let ledger = try make()
        let requests = (1...5).map { Story.sampleRequest($0) }
        let rows =
            try requests.map { try ledger.append(.request($0)) } + [try ledger.append(.command(.retryWake(Story.identifier(9))))]
        let reopened = try reopen(ledger)
        let found = try reopened.inbox(after: 0, limit: 100)
        try demand(found.map(\.row) == rows && rows == rows.sorted(), "rows come back in the order in which they were appended")
        try demand(
            found.map(\.item) == requests.map { .request($0) } + [.command(.retryWake(Story.identifier(9)))],
            "items come back as they were appended")
        try demand(
            try reopened.inbox(after: rows[1], limit: 2).map(\.row) == Array(rows[2...3]), "'after' and 'limit' are kept to")
    }

    private func inboxForgetsWhatWasApplied() throws {
        var story = Story(try make())
        let request = Story.sampleRequest(1)
        let row = try story.ledger.append(.request(request))
        try story.run(.requested(request, inboxRow: row))
        story.ledger = try reopen(story.ledger)
        try demand(try story.ledger.inbox(after: 0, limit: 10).isEmpty, "an applied row is gone, together with what it changed")
        try demand(try story.loaded().sentinels.count == 1, "what it changed is there")
        try story.ledger.commit([.inboxApplied(row: row)])
        try story.run(.requested(request, inboxRow: row))
        try demand(try story.loaded().sentinels.count == 1, "applying a row twice changes nothing more")
    }

    private func inboxNumbersGrow() throws {
        let ledger = try make()
        let first = try ledger.append(.request(Story.sampleRequest(1)))
        try ledger.commit([.inboxApplied(row: first)])
        let second = try reopen(ledger).append(.request(Story.sampleRequest(2)))
        try demand(second > first, "a row's number is never used again, even when the inbox was empty between")
    }

    private func inboxSetsAside() throws {
        let ledger = try make()
        let row = try ledger.append(.request(Story.sampleRequest(1)))
        let next = try ledger.append(.request(Story.sampleRequest(2)))
        try ledger.commit([.inboxRefused(row: row, reason: "because")])
        try demand(
            try reopen(ledger).inbox(after: 0, limit: 10).map(\.row) == [next], "a refused row leaves the inbox, others stay")
    }

    private func selfRequestsKeepTheEpoch() throws {
        let ledger = try make()
        var request = Story.sampleRequest(1)
        request.epoch = nil
        _ = try ledger.append(.request(request))
        try ledger.commit([.epoch(.daemon, .token("later"))])
        _ = try ledger.append(.request(request))
        let epochs = try reopen(ledger).inbox(after: 0, limit: 2).map { row -> Epoch? in
            guard case .request(let request) = row.item else { return nil }
            return request.epoch
        }
        try demand(epochs.first == .token("none"), "a request for self before the daemon's first start bears the epoch 'none'")
        try demand(epochs.last == .token("later"), "a request for self bears the epoch that is in force when it is appended")
    }

    private func demand(_ isKept: Bool, _ rule: String) throws {
        if !isKept { throw Violation(description: "not kept: \(rule)") }
    }
}

extension LedgerConformance {
    /// Drives a coordinator through a story and commits what it records, so that the ledger sees what it sees in life.
    fileprivate struct Story {
        var ledger: Subject
        var coordinator = Coordinator()
        var now = start
        /// Deliveries that ended, by the names of their states, in order.
        var endedStates: [String] = []
        private var seed: UInt64 = 1
        private var instance = "first"

        static var start: Moment {
            Moment(wallMilliseconds: 1_790_000_000_000, boot: BootID("b007"), boottimeMicroseconds: 60_000_000)
        }
        static var route: Route { Route(channel: .discord(), kind: .channel, destination: "1234") }

        init(_ ledger: Subject) { self.ledger = ledger }

        static func identifier(_ number: UInt64) -> Identifier { Identifier(high: 7, low: number) }

        static func sampleRequest(_ number: Int, owes: Set<DeliveryKind> = [.notice]) -> RestartRequest {
            guard let session = try? SessionKey("agent:infra:discord:channel:1234") else {
                preconditionFailure("the sample's session key is not valid")
            }
            return RestartRequest(
                id: identifier(UInt64(number)), session: session, route: number.isMultiple(of: 2) ? route : nil,
                note: "go on with step \(number): \"größer\"\n\u{1F680}", target: .daemon, epoch: .token("epoch \(number)"),
                owes: owes,
                requester: .init(uid: 1000, pid: 4321), requestedAt: start)
        }

        mutating func run(_ event: Event) throws {
            seed += 1
            let directives = coordinator.step(event, at: now, dice: Dice(high: seed, low: seed &* 0x9E37_79B9))
            for directive in directives {
                guard case .record(let changes) = directive else { continue }
                try ledger.commit(changes)
                coordinator.adopt(changes)
                for case .delivery(let delivery) in changes where !delivery.isActive { endedStates.append(delivery.stateName) }
            }
            now = now.advanced(by: .milliseconds(10))
        }

        mutating func request(_ number: Int, owes: Set<DeliveryKind> = [.notice]) throws {
            var request = Self.sampleRequest(number, owes: owes)
            request.requestedAt = now
            request.epoch = .token(instance)
            try run(.requested(request, inboxRow: nil))
        }

        mutating func restart(as name: String = "second") throws {
            try run(.timePassed)
            instance = name
            try run(.daemonStarted(instance: .token(name)))
        }

        mutating func openGates() throws {
            try run(.channelChanged(.discord(), .ready(generation: 1)))
            try run(.routeChecked(Self.route, .ready(RouteCapabilities(mayAttachFiles: true, mayReadHistory: true))))
        }

        mutating func grantPermits() throws {
            for id in coordinator.deliveries.keys.sorted(by: { $0.description < $1.description }) { try run(.permitGranted(id)) }
        }

        mutating func deliverAll() throws {
            try run(.channelChanged(.discord(), .connecting))
            try openGates()
            try grantPermits()
            for delivery in coordinator.deliveries.values where delivery.state == .sending {
                try run(.attemptEnded(delivery.id, .accepted(Receipt(id: "m1", source: .reply))))
            }
        }

        func loaded(since moment: Moment? = nil) throws -> Coordinator {
            var loaded = Coordinator()
            loaded.adopt(try ledger.load(endedWakesSince: moment ?? Self.start))
            return loaded
        }
    }
}
