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
        try jobsComeBack()
        try inboxForgetsWhatWasApplied()
        try inboxNumbersGrow()
        try inboxSetsAside()
        try selfRequestsKeepTheEpoch()
    }

    // MARK: State

    private func emptyHoldsNothing() throws {
        let ledger = try make()
        try demand(try ledger.load(endedWakesSince: LedgerStory<Subject>.start).isEmpty, "an empty ledger loads nothing")
        try demand(try ledger.inbox(after: 0, limit: 10).isEmpty, "an empty ledger's inbox is empty")
    }

    private func stateSurvives() throws {
        var story = LedgerStory(try make())
        for number in 1...5 { try story.ask(number) }
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
        var story = LedgerStory(try make())
        try story.ask(1)
        try story.restart()
        story.ledger = try reopen(story.ledger)
        let loaded = try story.loaded()
        let isWhole = loaded.deliveries.values.allSatisfy { loaded.wakes[$0.id.wake] != nil }
        try demand(isWhole && loaded.wakes.count == 1, "a wake and its deliveries come together")
    }

    private func passingStateIsNotKept() throws {
        let ledger = try make()
        try ledger.commit([.timersPassed(upToMicroseconds: 5), .unsettled(.host, .token("new"))])
        let kept = try reopen(ledger).load(endedWakesSince: LedgerStory<Subject>.start)
        try demand(kept.allSatisfy(\.isDurable), "changes that are not durable are passed over")
    }

    private func endedThingsAreNotLoaded() throws {
        var story = LedgerStory(try make())
        try story.ask(1)
        try story.restart()
        try story.deliverAll()
        story.ledger = try reopen(story.ledger)
        let loaded = try story.loaded(since: story.now.advanced(by: .seconds(3600)))
        try demand(loaded.wakes.isEmpty && loaded.deliveries.isEmpty, "ended wakes and their deliveries are not live")
        try demand(loaded.sentinels.isEmpty, "ended sentinels are not live")
        try demand(loaded.epochs == story.coordinator.epochs, "epochs are loaded though everything has ended")
    }

    private func youngOwnWakesAreLoaded() throws {
        var story = LedgerStory(try make())
        let policy = Policy()
        for round in 1...policy.loopWakes {
            try story.ask(round)
            try story.restart(as: "instance \(round)")
            try story.deliverAll()
        }
        story.ledger = try reopen(story.ledger)
        story.coordinator = try story.loaded(since: LedgerStory<Subject>.start)
        try story.ask(100, owes: [.turn])
        try story.restart(as: "instance 100")
        let states = story.coordinator.deliveries.values.map(\.stateName) + story.endedStates
        try demand(states.last == "unresolved", "a loop of own restarts is seen across restarts of the daemon")
    }

    private func sequenceGoesOn() throws {
        var story = LedgerStory(try make())
        for round in 1...3 {
            try story.ask(round)
            try story.restart(as: "instance \(round)")
            try story.deliverAll()
        }
        story.ledger = try reopen(story.ledger)
        story.coordinator = try story.loaded(since: story.now.advanced(by: .seconds(86_400)))
        try story.ask(4)
        try story.restart(as: "instance 4")
        let sequence = story.coordinator.wakes.values.map(\.sequence).max() ?? 0
        try demand(sequence >= 4, "a wake's sequence is higher than that of every wake before it, ended ones too")
    }

    private func endedWakeIsFound() throws {
        var story = LedgerStory(try make())
        try story.ask(1)
        try story.restart()
        let id = story.coordinator.wakes.keys.first ?? LedgerStory<Subject>.identifier(0)
        try demand(try story.ledger.endedWake(id) == nil, "a live wake is not found as an ended one")
        try story.deliverAll()
        story.ledger = try reopen(story.ledger)
        let found = try story.ledger.endedWake(id)
        try demand(
            found?.wake.state == .ended && found?.deliveries.map(\.id) == found?.wake.deliveries,
            "an ended wake is found with its deliveries")
        try demand(try story.ledger.endedWake(LedgerStory<Subject>.identifier(77)) == nil, "a wake that never was is not found")
    }

    // MARK: Inbox

    private func inboxKeepsOrder() throws {
        let ledger = try make()
        let requests = (1...5).map { LedgerStory<Subject>.request($0) }
        let rows =
            try requests.map { try ledger.append(.request($0)) } + [
                try ledger.append(.command(.retryWake(LedgerStory<Subject>.identifier(9))))
            ]
        let reopened = try reopen(ledger)
        let found = try reopened.inbox(after: 0, limit: 100)
        try demand(found.map(\.row) == rows && rows == rows.sorted(), "rows come back in the order in which they were appended")
        try demand(
            found.map(\.item) == requests.map { .request($0) } + [.command(.retryWake(LedgerStory<Subject>.identifier(9)))],
            "items come back as they were appended")
        try demand(
            try reopened.inbox(after: rows[1], limit: 2).map(\.row) == Array(rows[2...3]), "'after' and 'limit' are kept to")
    }

    private func jobsComeBack() throws {
        let ledger = try make()
        let request = LedgerStory<Subject>.request(1)
        let job = Job(
            id: LedgerStory<Subject>.identifier(5), name: "report", schedule: "*/5 * * * *", isOneShot: false,
            session: request.session, message: "look", nextDue: 1_000, createdAt: request.requestedAt)
        let orders: [InboxItem] = [.job(.add(job)), .job(.run(job.id)), .job(.remove(job.id))]
        for order in orders { _ = try ledger.append(order) }
        try ledger.commit([.job(job.id, job)])
        let reopened = try reopen(ledger)
        try demand(
            try reopened.inbox(after: 0, limit: 10).map(\.item) == orders, "orders for jobs come back as they were appended")
        let story = LedgerStory(reopened)
        try demand(try story.loaded().jobs == [job.id: job], "a job comes back as it was")
        try story.ledger.commit([.job(job.id, nil)])
        try demand(try story.loaded().jobs.isEmpty, "a job that is gone stays so")
    }

    private func inboxForgetsWhatWasApplied() throws {
        var story = LedgerStory(try make())
        let request = LedgerStory<Subject>.request(1)
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
        let first = try ledger.append(.request(LedgerStory<Subject>.request(1)))
        try ledger.commit([.inboxApplied(row: first)])
        let second = try reopen(ledger).append(.request(LedgerStory<Subject>.request(2)))
        try demand(second > first, "a row's number is never used again, even when the inbox was empty between")
    }

    private func inboxSetsAside() throws {
        let ledger = try make()
        let row = try ledger.append(.request(LedgerStory<Subject>.request(1)))
        let next = try ledger.append(.request(LedgerStory<Subject>.request(2)))
        try ledger.commit([.inboxRefused(row: row, reason: "because")])
        try demand(
            try reopen(ledger).inbox(after: 0, limit: 10).map(\.row) == [next], "a refused row leaves the inbox, others stay")
    }

    private func selfRequestsKeepTheEpoch() throws {
        let ledger = try make()
        var request = LedgerStory<Subject>.request(1)
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
