import Subprocess
import SystemPackage
import WakeCore
import WakeService

/// Runs the command of an `exec` sentinel.
///
/// The command gets a session of its own and outlives a stop of the daemon: then its result is unknown, and it is never run again.
struct CommandRestarter: Restarter {
    func restarts(_ target: RestartTarget) -> Bool { target == .exec }

    func perform(_ sentinel: Sentinel) async -> RestartResult {
        guard let command = sentinel.command else { return .refused(reason: "the sentinel holds no command") }
        let (results, continuation) = AsyncStream.makeStream(of: RestartResult.self)
        // Not a child task: a stop of the daemon must not end the command.
        Task.detached {
            continuation.yield(await Self.run(command))
            continuation.finish()
        }
        for await result in results { return result }
        return .begun
    }

    private static func run(_ command: RestartRequest.Command) async -> RestartResult {
        var options = PlatformOptions()
        options.createSession = true
        do {
            let result = try await Subprocess.run(
                command.arguments[0].contains("/") ? .path(FilePath(command.arguments[0])) : .name(command.arguments[0]),
                arguments: Arguments(Array(command.arguments.dropFirst())), workingDirectory: FilePath(command.directory),
                platformOptions: options, input: .none,
                output: .fileDescriptor(.standardError, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            switch result.terminationStatus {
            case .exited(let code): return .commandEnded(.exited(code: code))
            case .signaled(let number): return .commandEnded(.signalled(number: number))
            }
        } catch {
            return .commandEnded(.notStarted(reason: "'\(command.arguments[0])' could not be started: \(error)"))
        }
    }
}
