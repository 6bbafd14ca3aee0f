import Glibc
import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("An executor with a thread of its own", .timeLimit(.minutes(1)))
struct ThreadExecutorTests {
    private actor Clerk {
        private let executor = ThreadExecutor(name: "clerk")
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private var isBusy = false
        private(set) var overlaps = 0
        private(set) var done: [Int] = []
        private(set) var threads: Set<pthread_t> = []

        func work(_ number: Int) {
            if isBusy { overlaps += 1 }
            isBusy = true
            done.append(number)
            threads.insert(pthread_self())
            isBusy = false
        }
    }

    @Test("runs every job, one after another, on one thread that is nobody else's")
    func serial() async {
        let (clerk, other) = (Clerk(), Clerk())
        await withTaskGroup(of: Void.self) { group in
            for number in 1...500 {
                group.addTask { await clerk.work(number) }
                group.addTask { await other.work(number) }
            }
        }
        #expect(await clerk.done.sorted() == Array(1...500))
        #expect(await clerk.overlaps == 0)
        let (mine, others) = (await clerk.threads, await other.threads)
        #expect(mine.count == 1 && others.count == 1 && mine != others)
    }

    @Test("jobs run in the order in which they were handed in")
    func order() async {
        let clerk = Clerk()
        for number in 1...100 { await clerk.work(number) }
        #expect(await clerk.done == Array(1...100))
    }
}

@Suite("The directive runner keeps the write-ahead rule")
struct DirectiveRunnerTests {
    private struct Recorder: DirectivePerformer {
        let ledger: InMemoryLedger
        var performed: [Directive] = []
        /// What the ledger held when something was first done.
        var sentinelsThen: Int?

        mutating func perform(_ directive: Directive) {
            if sentinelsThen == nil { sentinelsThen = ledger.tables.sentinels.count }
            performed.append(directive)
        }
    }

    private let ledger = InMemoryLedger()
    private let now = ManualMoments().now()
    private let dice = SeededDice()

    private func event() throws -> Event { .requested(try WakerRig().request(), inboxRow: nil) }

    @Test("what changes is committed and adopted before anything is done about it")
    func order() throws {
        var runner = try DirectiveRunner(policy: Policy(), ledger: ledger, at: now)
        var recorder = Recorder(ledger: ledger)
        try runner.run(try event(), at: now, dice: dice.roll(), ledger: ledger, performer: &recorder)
        #expect(recorder.sentinelsThen == 1)
        #expect(recorder.performed.contains { if case .performRestart = $0 { true } else { false } })
        #expect(!recorder.performed.contains { if case .record = $0 { true } else { false } })
        #expect(runner.coordinator.sentinels == ledger.tables.sentinels)
    }

    @Test("on a full disk nothing is adopted or done, and the same event may be handed in again")
    func diskFull() throws {
        var runner = try DirectiveRunner(policy: Policy(), ledger: ledger, at: now)
        var recorder = Recorder(ledger: ledger)
        let event = try event()
        ledger.setFull(true)
        #expect {
            try runner.run(event, at: now, dice: dice.roll(), ledger: ledger, performer: &recorder)
        } throws: { error in
            (error as? WakeError)?.code == .diskFull
        }
        #expect(runner.coordinator.sentinels.isEmpty && recorder.performed.isEmpty)
        ledger.setFull(false)
        try runner.run(event, at: now, dice: dice.roll(), ledger: ledger, performer: &recorder)
        #expect(runner.coordinator.sentinels.count == 1 && !recorder.performed.isEmpty)
    }

    @Test("what only people read holds nothing up: it goes with the next commit, or by itself, or when there is room")
    func rowsForPeople() throws {
        var runner = try DirectiveRunner(policy: Policy(), ledger: ledger, at: now)
        var recorder = Recorder(ledger: ledger)
        func run(_ event: Event) throws {
            try runner.run(event, at: now, dice: dice.roll(), ledger: ledger, performer: &recorder)
        }
        try run(.channelChanged(.discord(), .connecting))
        #expect(ledger.commits == 0 && runner.coordinator.channels == [.discord(): .connecting])
        ledger.setFull(true)
        try runner.writeForPeople(ledger)
        ledger.setFull(false)
        try run(.channelChanged(.discord(), .ready(generation: 1)))
        try run(event())
        #expect(ledger.commits == 1 && ledger.tables.channels == [.discord(): .ready(generation: 1)])
        try runner.writeForPeople(ledger)
        #expect(ledger.commits == 1, "nothing is left")
        try run(.channelChanged(.discord(), .connecting))
        try runner.writeForPeople(ledger)
        #expect(ledger.commits == 2 && ledger.tables.channels == [.discord(): .connecting])
    }

    @Test(
        "an unknown outcome is thrown, with nothing adopted and nothing done",
        arguments: [InMemoryLedger.Fault.failedBeforeWriting, .failedBeforeSyncing, .failedAfterSyncing])
    func unknown(fault: InMemoryLedger.Fault) throws {
        var runner = try DirectiveRunner(policy: Policy(), ledger: ledger, at: now)
        var recorder = Recorder(ledger: ledger)
        let event = try event()
        ledger.failNext(fault)
        #expect {
            try runner.run(event, at: now, dice: dice.roll(), ledger: ledger, performer: &recorder)
        } throws: { error in
            (error as? WakeError)?.code == .outcomeUnknown
        }
        #expect(runner.coordinator.sentinels.isEmpty && recorder.performed.isEmpty)
    }
}

@Suite("The sentinel writer")
struct SentinelWriterTests {
    @Test("refuses a request with everything that is wrong with it, and writes nothing")
    func refuses() async throws {
        let ledger = InMemoryLedger()
        var request = try WakerRig().request(delay: .seconds(601), note: "  ")
        request.owes = []
        await #expect {
            try await SentinelWriter(inbox: ledger).write(request)
        } throws: { error in
            guard let error = error as? WakeError, error.code == .invalidRequest else { return false }
            return ["note is empty", "601000 ms", "neither a notice nor a turn"].allSatisfy(error.message.contains)
        }
        #expect(ledger.tables.inbox.isEmpty)
    }

    @Test("has it on disk when it returns")
    func durable() async throws {
        let ledger = InMemoryLedger()
        let row = try await SentinelWriter(inbox: ledger).write(try WakerRig().request())
        var random = SplitMix(seed: 1)
        ledger.powerCut(&random)
        #expect(try ledger.inbox(after: 0, limit: 9).map(\.row) == [row])
    }

    @Test("promises nothing where the ledger can't be written")
    func full() async throws {
        let ledger = InMemoryLedger()
        ledger.setFull(true)
        let request = try WakerRig().request()
        await #expect(throws: WakeError.self) { try await SentinelWriter(inbox: ledger).write(request) }
    }

    @Test("finishes a write whose task is cancelled")
    func cancelled() async throws {
        let ledger = InMemoryLedger()
        let (writer, request) = (SentinelWriter(inbox: ledger), try WakerRig().request())
        let write = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await writer.write(request)
        }
        write.cancel()
        let row = try await write.value
        #expect(ledger.tables.inbox[row] != nil)
    }
}

@Suite("The machine's clocks", .timeLimit(.minutes(1)))
struct SystemMomentsTests {
    @Test("boottime never goes back, and the boot id comes from the environment where it is given")
    func moments() throws {
        let moments = try SystemMoments(environment: ["REVEILLE_BOOT_ID": "0123-ABCD"])
        let readings = (1...1000).map { _ in moments.now() }
        #expect(zip(readings, readings.dropFirst()).allSatisfy { $0.boottimeMicroseconds <= $1.boottimeMicroseconds })
        #expect(Set(readings.map(\.boot)) == [BootID("0123abcd")])
    }

    @Test("without it the kernel's own boot id is taken")
    func kernel() throws {
        #expect(try SystemMoments(environment: [:]).now().boot.description.count == 32)
    }

    @Test("a wait ends when it is cancelled, however far its end; one that is over ends at once")
    func waits() async throws {
        let moments = try SystemMoments(environment: [:])
        await moments.wait(untilBoottimeMicroseconds: 0)
        await moments.wait(untilBoottimeMicroseconds: .min)
        let long = Task { await moments.wait(untilBoottimeMicroseconds: .max) }
        long.cancel()
        await long.value
    }

    private static let maySetClock: Bool = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return clock_settime(CLOCK_REALTIME, &now) == 0
    }()

    @Test("whoever sets the clock is heard of, each time, until nobody listens", .enabled(if: maySetClock))
    func steps() async throws {
        let moments = try SystemMoments(environment: [:])
        var steps = moments.steps().makeAsyncIterator()
        for _ in 1...3 {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            #expect(clock_settime(CLOCK_REALTIME, &now) == 0)
            #expect(await steps.next() != nil)
        }
        let listener = Task { for await _ in moments.steps() {} }
        listener.cancel()
        await listener.value
    }

    @Test("dice fall differently each time")
    func dice() {
        let dice = SystemDice()
        var (first, second) = (dice.roll(), dice.roll())
        #expect(first.identifier() != second.identifier())
    }
}
