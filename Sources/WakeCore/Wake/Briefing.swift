/// What is asked, once the gate of a delivery is open and before its text is fixed.
public struct BriefingOrder: Hashable, Sendable {
    /// The delivery.
    public let delivery: DeliveryID
    /// The session that is to be woken.
    public let session: SessionKey
    /// Where.
    public let route: Route
    /// The notes that it would carry.
    public let notes: [Wake.Note]
    /// Since when its gate is open.
    public let gateOpenSince: Moment

    /// Whether it is owed whatever others have done: somebody asked us for it.
    public var isOwedByUsAlone: Bool { notes.contains { !$0.origin.mayBeOthersDuty } }

    /// Makes an order; see the properties.
    public init(delivery: DeliveryID, session: SessionKey, route: Route, notes: [Wake.Note], gateOpenSince: Moment) {
        self.delivery = delivery
        self.session = session
        self.route = route
        self.notes = notes
        self.gateOpenSince = gateOpenSince
    }
}

/// What there is to know before a delivery begins.
public enum Briefing: Hashable, Sendable {
    /// It is needed; what people wrote meanwhile, oldest first.
    case needed(missed: [MissedMessage])
    /// Somebody else has done it, and this proves it.
    case done(Receipt)
    /// Others still have their chance: look again after that.
    case notYet(reason: String, after: Duration)
}

/// A message that people wrote while the session could not hear them.
public struct MissedMessage: Hashable, Sendable {
    /// Who wrote it, by name and id.
    public var author: String
    /// What it says.
    public var text: String
    /// When, in milliseconds since 1970.
    public var at: Int64

    /// Makes one.
    public init(author: String, text: String, at: Int64) {
        self.author = author
        self.text = text
        self.at = at
    }
}

extension Sentinel.Origin {
    /// Whether somebody else may have woken the session already: the far side has a way of its own.
    var mayBeOthersDuty: Bool {
        switch self {
        case .adopted, .interrupted: true
        case .requested, .observed, .report, .stalled, .job, .sent: false
        }
    }
}
