import CLinux
import Glibc
import WakeCore
import WakeService

/// Runs the hooks of a folder one after the other, on a thread of its own: waiting for a process blocks.
actor HookThread {
    /// What came of one hook.
    struct Result: Hashable, Sendable {
        let name: String
        /// Why it failed; nil where it did not.
        let failure: String?
        let output: [UInt8]
    }

    private let executor: ThreadExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(name: String) { executor = ThreadExecutor(name: name) }

    /// Runs them, in the order of their names. A failure keeps none of the others from being run.
    ///
    /// - Parameters:
    ///   - folder: where they are.
    ///   - variables: their environment, whole.
    ///   - limit: for all of them together.
    /// - Returns: what came of each, those first that are not run at all.
    nonisolated func run(_ folder: String, _ variables: [String: String], _ limit: Duration) async -> [Result] {
        var ends: [Int32] = [-1, -1]
        let canStop = pipe2(&ends, O_CLOEXEC) == 0
        let (stop, stopper) = (ends[0], ends[1])
        let results = await withTaskCancellationHandler {
            await work(folder, variables, limit, stop: stop)
        } onCancel: {
            var byte: UInt8 = 0
            if canStop { _ = write(stopper, &byte, 1) }
        }
        if canStop {
            close(stop)
            close(stopper)
        }
        return results
    }

    private func work(_ folder: String, _ variables: [String: String], _ limit: Duration, stop: Int32) -> [Result] {
        let found = HookFolder(folder)
        let deadline = HookProcess.now() + limit.wholeMilliseconds
        var results = found.refused.map { Result(name: $0.name, failure: "not run: \($0.reason)", output: []) }
        for name in found.hooks {
            guard HookProcess.now() < deadline, !Task.isCancelled else {
                results.append(Result(name: name, failure: "not run: the time for all hooks was over", output: []))
                continue
            }
            let hook = HookProcess(path: "\(folder)/\(name)", environment: variables, deadline: deadline, stop: stop)
            let (end, output) = hook.run()
            results.append(Result(name: name, failure: end.failure, output: output))
        }
        return results
    }
}
