import WakeCore

extension ReadinessReport {
    var event: Event {
        switch self {
        case .channel(let name, let state): .channelChanged(name, state)
        case .receipt(let id, let receipt): .receiptSeen(id, receipt)
        case .activity(let route): .placeActive(route)
        }
    }
}

extension Event {
    /// Whether it tells what came of something begun before; such events are recorded during a stop, and begin nothing.
    var isResult: Bool {
        switch self {
        case .attemptEnded, .searched, .receiptSeen, .commandEnded, .restartRefused: true
        default: false
        }
    }
}

extension Waker {
    /// What comes into the mailbox.
    enum Message: Sendable {
        case event(Event)
        case sent(DeliveryID, Outcome)
        case permit(PermitBook.Answer)
        case timer(number: Int)
        case inboxHint
        case retryStalled
        case question(AsyncStream<Outlook>.Continuation)
        case stop
    }
}
