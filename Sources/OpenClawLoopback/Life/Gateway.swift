import Foundation
import NetSupport
import Synchronization

/// The gateway: one state behind one lock, and what is done outside of it.
final class Gateway: Sendable {
    let options: OpenClawOptions
    let log: OpenClawLog
    let discord: DiscordPoster
    private let state: Mutex<GatewayState>

    init(options: OpenClawOptions, log: OpenClawLog) throws(OpenClawLoopbackError) {
        self.options = options
        self.log = log
        discord = try DiscordPoster(options)
        state = Mutex(try GatewayState(options, log))
    }

    func withState<Result: Sendable>(_ body: (inout sending GatewayState) throws -> Result) rethrows -> Result {
        try state.withLock { try body(&$0) }
    }

    /// Changes the state if that life is still on; `nil` otherwise.
    func inLife<Result: Sendable>(_ number: Int, _ body: (inout GatewayState) -> Result) -> Result? {
        state.withLock { $0.life.isOn && $0.life.number == number ? body(&$0) : nil }
    }

    /// Waits as long as that; false where the life ended meanwhile.
    func wait(_ duration: Duration) async -> Bool { (try? await Task.sleep(for: duration)) != nil && !Task.isCancelled }

    /// Lives one life: carries out its jobs until it ends.
    func live(port: Int) async {
        let (jobs, continuation) = AsyncStream.makeStream(of: Life.Job.self)
        withState { $0.beginLife(port: port, jobs: continuation) }
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job(self) } }
            group.cancelAll()
        }
    }

    /// Posts at Discord and notes what became of it.
    ///
    /// - Parameters:
    ///   - text: what to say.
    ///   - route: where.
    ///   - source: on whose behalf: `send`, `ping`, `notice` or `agent`.
    ///   - life: the life that says it.
    ///   - attempt: the number of the attempt, where there may be several.
    /// - Returns: the ids of message and channel.
    /// - Throws: why nothing was posted.
    func post(
        _ text: String, to route: Route, source: String, life: Int, attempt: Int? = nil
    ) async throws(DiscordPoster.Failure) -> DiscordPoster.Posted {
        var fields: [String: JSON] = ["source": .string(source), "to": .string(route.to), "text": .string(text)]
        fields["attempt"] = attempt.map { JSON($0) }
        do throws(DiscordPoster.Failure) {
            guard inLife(life, { $0.life.isDiscordReady }) ?? false else {
                throw DiscordPoster.Failure(why: "the Discord account \(options.account) is not connected")
            }
            guard route.channel == "discord" else { throw DiscordPoster.Failure(why: "unknown channel: \(route.channel)") }
            let posted = try await discord.post(text, to: route.to)
            fields["message_id"] = .string(posted.message)
            log.record("send_posted", fields)
            return posted
        } catch {
            fields["why"] = .string(error.why)
            log.record("send_lost", fields)
            throw error
        }
    }
}

/// Unix milliseconds.
func unixMilliseconds() -> Int { Int(Date().timeIntervalSince1970 * 1_000) }
