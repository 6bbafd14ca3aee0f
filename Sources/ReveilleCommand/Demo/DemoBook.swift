import Foundation
import Synchronization
import WakeCore

/// What the demo has seen so far, and those who wait for it to see more.
final class DemoBook: Sendable {
    private struct State {
        var facts: [DemoStage.Fact] = []
        var rest = Data()
        var ended: Set<ObjectIdentifier> = []
        var daemon: Process?
    }

    private let state = Mutex(State())
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation

    init() { (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    var facts: [DemoStage.Fact] { state.withLock { $0.facts } }
    var daemon: Process? { state.withLock { $0.daemon } }

    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    func add(_ fact: DemoStage.Fact) {
        state.withLock { $0.facts.append(fact) }
        change.yield()
    }

    func expect(_ process: Process) {
        state.withLock { $0.daemon = process }
        process.terminationHandler = { [self] process in
            state.withLock { _ = $0.ended.insert(ObjectIdentifier(process)) }
            change.yield()
        }
    }

    func isRunning(_ process: Process?) -> Bool { process?.isRunning == true }

    /// Takes part of the daemon's log in.
    func take(_ data: Data, of process: Process) {
        let lines = state.withLock { state in
            state.rest += data
            var lines: [Data] = []
            while let end = state.rest.firstIndex(of: 0x0A) {
                lines.append(Data(state.rest[state.rest.startIndex..<end]))
                state.rest = Data(state.rest[(end + 1)...])
            }
            return lines
        }
        for line in lines {
            guard let value = try? JSONValue.parse(line), let event = value["event"]?.string else { continue }
            add(
                DemoStage.Fact(
                    milliseconds: Self.milliseconds(value["time"]?.string) ?? Self.now(),
                    what: .log(
                        DemoStage.LogLine(
                            event: event, place: value["place"]?.string, reason: value["reason"]?.string,
                            wake: value["wake"]?.string))))
        }
    }

    private static func milliseconds(_ text: String?) -> Int64? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return text.flatMap { try? style.parse($0) }.map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) }
    }

    private func logLines() -> [DemoStage.LogLine] {
        facts.compactMap { if case .log(let line) = $0.what { line } else { nil } }
    }

    /// Waits until the lines so far pass the test.
    func wait(
        for what: String, seconds: Int = 30, until passes: @escaping @Sendable ([DemoStage.LogLine]) -> Bool
    ) async throws {
        try await wait(what, seconds) { passes(self.logLines()) }
    }

    /// Waits until a process has ended.
    func waitForEnd(of process: Process) async throws {
        let id = ObjectIdentifier(process)
        try await wait("a process to end", 30) { self.state.withLock { $0.ended.contains(id) } }
    }

    private func wait(_ what: String, _ seconds: Int, _ passes: @escaping @Sendable () -> Bool) async throws {
        let alarm = Task {
            try await Task.sleep(for: .seconds(seconds))
            change.yield()
        }
        defer { alarm.cancel() }
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        if passes() { return }
        for await _ in changes {
            if passes() { return }
            guard ContinuousClock.now < deadline else {
                throw Complaint(
                    .software, "the demo waited \(seconds) s for \(what) in vain", hint: "reveille demo --keep leaves the logs.")
            }
        }
    }
}
