public import WakeCore

/// Writes sentinels: when ``write(_:)`` returns, the request is on disk, whether or not a daemon runs.
///
/// A write that has begun is finished even if the caller's task is cancelled: it runs in one piece on a thread of its own.
public actor SentinelWriter {
    private let inbox: any Inbox
    private let executor = ThreadExecutor(name: "sentinels")

    /// The writer's own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// A writer into the given inbox.
    public init(inbox: any Inbox) { self.inbox = inbox }

    /// Checks the request and makes it durable.
    ///
    /// - Returns: the row of the inbox.
    /// - Throws: ``WakeError`` with ``WakeError/Code/invalidRequest``, naming all that is wrong, or what the ledger says. Nothing is
    ///   promised then.
    @discardableResult
    public func write(_ request: RestartRequest) throws(WakeError) -> Int64 {
        try Self.check(request)
        return try inbox.append(.request(request))
    }

    /// Throws an error that names everything that is wrong with the request.
    public static func check(_ request: RestartRequest) throws(WakeError) {
        let problems = request.problems
        guard !problems.isEmpty else { return }
        throw WakeError(
            .invalidRequest, "the request can't be accepted: " + problems.joined(separator: "; "),
            hint: "Nothing was written. Mend it and ask again.")
    }
}
