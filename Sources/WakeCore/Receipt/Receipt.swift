/// Proof that a delivery arrived.
public struct Receipt: Hashable, Sendable, Codable {
    /// What kind of proof.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// A message's id in its transport.
        case message
        /// A gateway's run id.
        case run
        /// A unit's name and invocation.
        case unit
        /// An operator's word.
        case `operator`
    }

    /// How we learned of it.
    public enum Source: String, Hashable, Sendable, Codable {
        /// The answer to the request itself.
        case reply
        /// An event that carried our nonce.
        case echo
        /// A look at the channel's history.
        case history
        /// An operator said so.
        case `operator`
    }

    /// What kind of proof.
    public let kind: Kind
    /// The id in the far side's words.
    public let id: String
    /// How we learned of it.
    public let source: Source

    /// Makes a receipt.
    public init(kind: Kind = .message, id: String, source: Source) {
        self.kind = kind
        self.id = id
        self.source = source
    }
}

/// What a search for a receipt came to.
public enum ReceiptSearch: Hashable, Sendable {
    /// It arrived.
    case found(Receipt)
    /// It provably did not arrive: history may be read and was read whole.
    case absent
    /// It did not arrive, and can't any more: the search itself has seen to that.
    case prevented
    /// It can't be known, and asking again will not help.
    case cannotTell(reason: String)
    /// The far side did not answer; ask again later.
    case tryAgain(reason: String, retryAfter: Duration?)
}
