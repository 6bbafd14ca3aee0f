/// What came of one attempt.
public enum Outcome: Hashable, Sendable {
    /// It arrived.
    case accepted(Receipt)
    /// The far side provably did not accept it, and may later: 429, refused before a byte was written.
    case transient(reason: String, retryAfter: Duration?)
    /// This place can't be used: 401 blocks the channel, 403 or a missing permission the route. The delivery is kept, uncharged.
    case unavailable(Place, reason: String)
    /// The message itself is faulty, or its destination is gone.
    case permanent(reason: String)
    /// Nobody can say: no answer, a broken one, a server error after the request was written.
    case ambiguous(reason: String)

    /// What an ``unavailable(_:reason:)`` outcome blocks.
    public enum Place: Hashable, Sendable {
        /// The whole channel.
        case channel
        /// Only this route.
        case route
    }

    /// In words, for logs and lists.
    public var words: String {
        switch self {
        case .accepted(let receipt): "accepted: \(receipt.kind.rawValue) \(receipt.id)"
        case .transient(let reason, _): "transient: \(reason)"
        case .unavailable(.channel, let reason): "channel unavailable: \(reason)"
        case .unavailable(.route, let reason): "route unavailable: \(reason)"
        case .permanent(let reason): "permanent: \(reason)"
        case .ambiguous(let reason): "ambiguous: \(reason)"
        }
    }
}
