import WakeCore

/// The permits that are asked for or held, at most one for each delivery, so that each is used once or given back.
///
/// A permit may be taken back and asked for again before the transport has answered the first time: answers bear a number, and the
/// next request waits for the end of the one before.
struct PermitBook {
    /// The end of one request.
    struct Answer: Sendable {
        let delivery: DeliveryID
        fileprivate let number: Int
        fileprivate let isHeld: Bool
    }

    private struct Entry {
        let number: Int
        let transport: any NoticeTransport
        /// The request under way; none where the permit was had at once.
        let task: Task<Void, Never>?
        var isReleased = false
        var isHeld = false
    }

    /// How long to wait before a transport that refused a permit unasked is asked again.
    private static let askAgainAfter: Duration = .seconds(1)

    private var entries: [DeliveryID: Entry] = [:]
    private var lastNumber = 0

    /// Takes a permit that can be had at once.
    ///
    /// - Returns: whether it is held now.
    mutating func take(_ id: DeliveryID, over route: Route, from transport: any NoticeTransport) -> Bool {
        release(id)
        // The end of the request before must be waited for.
        guard entries[id] == nil, transport.takePermit(id, over: route) else { return false }
        lastNumber += 1
        entries[id] = Entry(number: lastNumber, transport: transport, task: nil, isHeld: true)
        return true
    }

    /// Asks for a permit; what was asked for the delivery before is void.
    mutating func request(
        _ id: DeliveryID, over route: Route, from transport: any NoticeTransport, _ moments: any MomentSource,
        answered: @escaping @Sendable (Answer) -> Void
    ) {
        release(id)
        lastNumber += 1
        let (number, before) = (lastNumber, entries[id]?.task)
        let task = Task {
            await before?.value
            let isHeld = await Self.acquire(id, over: route, from: transport, moments)
            answered(Answer(delivery: id, number: number, isHeld: isHeld))
        }
        entries[id] = Entry(number: number, transport: transport, task: task)
    }

    private static func acquire(
        _ id: DeliveryID, over route: Route, from transport: any NoticeTransport, _ moments: any MomentSource
    ) async -> Bool {
        while !Task.isCancelled {
            let isHeld = await transport.acquirePermit(id, over: route)
            if Task.isCancelled {
                // Taken back while the answer was on its way here.
                transport.releasePermit(id)
                return false
            }
            if isHeld { return true }
            let again = moments.now().advanced(by: askAgainAfter)
            await moments.wait(untilBoottimeMicroseconds: again.boottimeMicroseconds)
        }
        return false
    }

    /// Notes the end of a request.
    ///
    /// - Returns: whether the permit is held now, and still wanted.
    mutating func settle(_ answer: Answer) -> Bool {
        guard let entry = entries[answer.delivery], entry.number == answer.number else { return false }
        let isHeld = answer.isHeld && !entry.isReleased
        if isHeld { entries[answer.delivery]?.isHeld = true } else { entries[answer.delivery] = nil }
        return isHeld
    }

    /// Whether the delivery's permit is held.
    func holds(_ id: DeliveryID) -> Bool { entries[id]?.isHeld == true }

    /// Its permit goes with the send.
    mutating func use(_ id: DeliveryID) { entries[id] = nil }

    /// Gives the permit, or the wait for one, back. Does nothing where there is none.
    mutating func release(_ id: DeliveryID) {
        guard let entry = entries[id], !entry.isReleased else { return }
        entry.task?.cancel()
        entry.transport.releasePermit(id)
        if entry.isHeld { entries[id] = nil } else { entries[id]?.isReleased = true }
    }

    /// Gives everything back.
    ///
    /// - Returns: the requests under way, which end soon.
    mutating func releaseAll() -> [Task<Void, Never>] {
        let tasks = entries.values.compactMap(\.task)
        for id in Array(entries.keys) { release(id) }
        entries = [:]
        return tasks
    }
}
