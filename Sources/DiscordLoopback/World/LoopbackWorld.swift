import DequeModule
import Synchronization

/// The loopback's world, for tests and for programs that embed it: look at it, change it, let things go wrong.
public final class LoopbackWorld: Sendable {
    /// A message as it is kept.
    public struct StoredMessage: Sendable, Equatable {
        /// Its id.
        public let id: Snowflake
        /// Its channel.
        public let channel: Snowflake
        /// Who wrote it.
        public let author: Snowflake
        /// Its text.
        public let content: String
        /// Its nonce as text, if it has one.
        public let nonce: String?
        /// The names and contents of its files.
        public let files: [String: [UInt8]]
    }

    /// The record of everything that happened.
    public let log: LoopbackLog
    let orders: AsyncStream<ServerOrder>
    private let giveOrder: AsyncStream<ServerOrder>.Continuation
    private let state: Mutex<LoopbackState>

    init(options: LoopbackOptions, log: LoopbackLog, time: LoopbackTime) {
        self.log = log
        (orders, giveOrder) = AsyncStream.makeStream(of: ServerOrder.self, bufferingPolicy: .bufferingNewest(1_000))
        state = Mutex(LoopbackState(options: options, log: log, time: time))
    }

    func withState<Result>(_ work: (inout sending LoopbackState) throws -> sending Result) rethrows -> Result {
        try state.withLock { try work(&$0) }
    }

    /// Does something to the loopback.
    ///
    /// - Throws: ``LoopbackError`` if it names something that does not exist.
    public func perform(_ action: LoopbackAction) throws(LoopbackError) {
        let result: Result<[ServerOrder], LoopbackError> = state.withLock { state in
            do throws(LoopbackError) { return .success(try state.perform(action)) } catch { return .failure(error) }
        }
        for order in try result.get() { giveOrder.yield(order) }
    }

    /// Adds a fault.
    public func add(_ fault: LoopbackFault) {
        withState { _ = $0.faults.add(fault) }
    }

    /// The messages of a channel, oldest first.
    public func messages(in channel: Snowflake) -> [StoredMessage] {
        withState { state in
            (state.messages[channel] ?? []).map {
                StoredMessage(
                    id: $0.id, channel: $0.channelID, author: $0.authorID, content: $0.content,
                    nonce: $0.nonce.map { $0.string ?? $0.text },
                    files: Dictionary($0.attachments.map { ($0.filename, $0.bytes) }, uniquingKeysWith: { $1 }))
            }
        }
    }

    /// The user id of the bot with this token; `nil` if there is none.
    public func botID(token: String) -> Snowflake? {
        withState { $0.bots.values.first { $0.token == token }?.user.id }
    }

    /// How many sessions live on a connection right now.
    public var liveSessions: Int { withState { state in state.sessions.values.count { $0.connection != nil } } }
}
