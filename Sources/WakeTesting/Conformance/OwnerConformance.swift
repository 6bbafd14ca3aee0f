public import WakeCore
public import WakeService

/// What every ``WakeService/ReadinessSource`` must do.
public struct ReadinessSourceConformance: Sendable {
    private let source: any ReadinessSource
    private let begin: @Sendable () async throws -> Void
    private let interrupt: @Sendable () async throws -> Void

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - source: one that does not run yet.
    ///   - begin: lets its channel become ready.
    ///   - interrupt: makes a ready channel lose its readiness, and become ready again.
    public init(
        _ source: any ReadinessSource, begin: @escaping @Sendable () async throws -> Void = {},
        interrupt: @escaping @Sendable () async throws -> Void
    ) {
        self.source = source
        self.begin = begin
        self.interrupt = interrupt
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the source throws.
    public func check() async throws {
        let sink = RecordedReadiness()
        let (source, channel) = (source, source.channel)
        let run = Task { try await source.run(reportingTo: sink) }
        try await begin()
        await sink.wait { Self.generations($0).count >= 1 }
        try await interrupt()
        await sink.wait { Self.generations($0).count >= 2 }
        run.cancel()
        try await run.value
        let reports = sink.all
        let generations = Self.generations(reports)
        try BrokenPromise.unless(
            zip(generations, generations.dropFirst()).allSatisfy { $0 < $1 },
            "each time a channel becomes ready its generation grows")
        let states = reports.compactMap { if case .channel(let name, let state) = $0 { (name, state) } else { nil } }
        try BrokenPromise.unless(states.allSatisfy { $0.0 == channel }, "a source reports its own channel only")
        try BrokenPromise.unless(
            zip(states, states.dropFirst()).allSatisfy { !($0.1.isReady && $1.1.isReady) },
            "between two generations the loss of the first is reported")
        for _ in 1...100 { await Task.yield() }
        try BrokenPromise.unless(sink.all == reports, "nothing is reported after the run has returned")
    }

    private static func generations(_ reports: [ReadinessReport]) -> [UInt64] {
        reports.compactMap { if case .channel(_, .ready(let generation)) = $0 { generation } else { nil } }
    }
}

/// What every ``WakeService/TransportSessionStore`` must do.
public struct SessionStoreConformance: Sendable {
    private let store: any TransportSessionStore

    /// Prepares the suite for an empty store.
    public init(_ store: any TransportSessionStore) { self.store = store }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``.
    public func check() async throws {
        let (mine, other) = (ChannelName.discord(), ChannelName.discord("other"))
        try BrokenPromise.unless(await store.loadSession(of: mine) == nil, "an empty store holds no session")
        let long = "{\"url\":\"wss://gateway\",\"name\":\"größer \u{1F680}\"}" + String(repeating: "x", count: 4_000)
        for session in ["first", long, ""] {
            await store.storeSession(session, of: mine)
            try BrokenPromise.unless(
                await store.loadSession(of: mine) == session, "what was stored last is loaded, as it was written")
        }
        try BrokenPromise.unless(await store.loadSession(of: other) == nil, "each channel has a session of its own")
        await store.storeSession("theirs", of: other)
        await store.storeSession(nil, of: mine)
        await store.storeSession(nil, of: mine)
        try BrokenPromise.unless(await store.loadSession(of: mine) == nil, "nil forgets the session")
        try BrokenPromise.unless(
            await store.loadSession(of: other) == "theirs", "forgetting one channel's session leaves the others")
    }
}

/// What every ``WakeService/Restarter`` must do.
public struct RestarterConformance: Sendable {
    private let restarter: any Restarter
    private let works: RestartRequest
    private let fails: RestartRequest?
    private let foreign: [RestartTarget]
    private let restarts: @Sendable () async throws -> Int

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - restarter: one that has restarted nothing yet.
    ///   - works: a restart that it can carry out, and that ends or begins soon.
    ///   - fails: one that it must refuse, or whose command can't be started; nil leaves that promise untried.
    ///   - foreign: targets that it does not restart.
    ///   - restarts: how many restarts were really carried out.
    public init(
        _ restarter: any Restarter, works: RestartRequest, fails: RestartRequest? = nil, foreign: [RestartTarget],
        restarts: @escaping @Sendable () async throws -> Int
    ) {
        self.restarter = restarter
        self.works = works
        self.fails = fails
        self.foreign = foreign
        self.restarts = restarts
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the count throws.
    public func check() async throws {
        try BrokenPromise.unless(restarter.restarts(works.target), "it restarts what it can restart")
        for target in foreign { try BrokenPromise.unless(!restarter.restarts(target), "it does not restart \(target)") }
        try BrokenPromise.unless(try await restarts() == 0, "nothing is restarted unasked")
        let result = await restarter.perform(Sentinel(works, epoch: nil, at: works.requestedAt))
        if case .refused(let reason) = result {
            throw BrokenPromise(description: "not kept: what can be restarted is not refused (\(reason))")
        }
        try BrokenPromise.unless(try await restarts() == 1, "one call restarts once")
        guard let fails else { return }
        switch await restarter.perform(Sentinel(fails, epoch: nil, at: fails.requestedAt)) {
        case .refused(let reason), .commandEnded(.notStarted(let reason)):
            try BrokenPromise.unless(!reason.isEmpty, "a refusal has a reason that a person can read")
        case .begun, .failed, .commandEnded: throw BrokenPromise(description: "not kept: what can't be restarted is refused")
        }
        try BrokenPromise.unless(try await restarts() == 1, "after a refusal nothing was restarted")
    }
}

/// What every ``WakeService/Inbox`` must do.
public struct InboxConformance: Sendable {
    private let inbox: any Inbox
    private let rows: @Sendable () throws -> [InboxRow]

    /// Prepares the suite.
    ///
    /// - Parameters:
    ///   - inbox: an empty one.
    ///   - rows: everything in it, as the daemon would read it.
    public init(_ inbox: any Inbox, rows: @escaping @Sendable () throws -> [InboxRow]) {
        self.inbox = inbox
        self.rows = rows
    }

    /// Tries every promise.
    ///
    /// - Throws: the first ``BrokenPromise``, or what the inbox throws.
    public func check() async throws {
        var items = (1...3).map { InboxItem.request(LedgerStory<InMemoryLedger>.request($0)) }
        let wake = LedgerStory<InMemoryLedger>.identifier(9)
        items += [
            .command(.cancelWake(wake)), .command(.retryWake(wake)), .command(.markDelivered(wake)),
            .command(.cancelSentinel(wake)),
        ]
        var numbers: [Int64] = []
        for item in items {
            numbers.append(try inbox.append(item))
            try BrokenPromise.unless(try rows().map(\.row) == numbers, "an item is there, under its row, when append returns")
        }
        try BrokenPromise.unless(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "rows grow")
        try BrokenPromise.unless(try rows().map(\.item) == items, "items are read as they were appended, oldest first")
        let inbox = inbox
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 10..<30 {
                group.addTask { _ = try inbox.append(.request(LedgerStory<InMemoryLedger>.request(number))) }
            }
            try await group.waitForAll()
        }
        let all = try rows()
        try BrokenPromise.unless(
            all.count == items.count + 20 && Set(all.map(\.row)).count == all.count,
            "appending from many places loses and mixes nothing")
    }
}
