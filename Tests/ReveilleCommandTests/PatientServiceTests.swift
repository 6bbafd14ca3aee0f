import Logging
import ServiceLifecycle
import Testing
import WakeTesting

@testable import ReveilleCommand

@Suite("A service that is told to end", .timeLimit(.minutes(1)))
struct PatientServiceTests {
    /// Ends when the test says so, whatever it is told.
    private struct Deaf: Service, CustomStringConvertible {
        let description = "deaf one"
        let end: AsyncStream<Void>
        func run() async throws { for await _ in end {} }
    }

    @Test("is named once it has not ended for a while, and waited for all the same")
    func named() async throws {
        let moments = ManualMoments()
        let (end, ending) = AsyncStream.makeStream(of: Void.self)
        let (names, named) = AsyncStream.makeStream(of: String.self)
        let service = PatientService(Deaf(end: end), moments: moments) { named.yield($0) }
        let group = ServiceGroup(services: [service], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            await group.triggerGracefulShutdown()
            await moments.waitUntilArmed()
            moments.advance(by: PatientService.patience)
            var told = names.makeAsyncIterator()
            #expect(await told.next() == "deaf one")
            ending.finish()
            try await tasks.waitForAll()
        }
    }

    @Test("is not named where it ends in time")
    func ends() async throws {
        let moments = ManualMoments()
        let (end, ending) = AsyncStream.makeStream(of: Void.self)
        let names = Witness<[String]>([])
        let service = PatientService(Deaf(end: end), moments: moments) { name in names.change { $0.append(name) } }
        let group = ServiceGroup(services: [service], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            await group.triggerGracefulShutdown()
            await moments.waitUntilArmed()
            ending.finish()
            try await tasks.waitForAll()
        }
        // Nobody waits any more: the alarm was taken back.
        while !moments.deadlines.isEmpty { await Task.yield() }
        moments.advance(by: PatientService.patience)
        #expect(names.value.isEmpty)
    }
}
