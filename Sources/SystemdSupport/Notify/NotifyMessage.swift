public import WakeCore

/// A report on a channel, as it comes in one datagram: lines of `KEY=VALUE`, unknown keys passed over.
///
/// Rule: sd_notify(3) for the form; docs/OPERATING.md for our keys.
public struct NotifyMessage: Hashable, Sendable {
    /// The longest datagram that is taken, in bytes; the service manager's own bound.
    public static let maximumBytes = 4096
    /// The longest time that a claim may promise to be renewed in.
    public static let longestLife: Duration = .seconds(86_400)

    /// What the channel is said to be.
    public enum State: String, Hashable, Sendable {
        /// It can be talked through.
        case ready
        /// Its owner is trying.
        case connecting
        /// Not now.
        case down
        /// It needs a person.
        case blocked
    }

    /// Why a datagram is no report.
    public enum Fault: Error, Hashable, Sendable {
        /// Over ``NotifyMessage/maximumBytes``.
        case tooLong
        /// No lines of `KEY=VALUE` in UTF-8.
        case garbage
        /// `X_REVEILLE_CHANNEL` is no channel's name.
        case badChannel(String)
        /// `X_REVEILLE_STATE` is missing, or none of the four.
        case badState(String)
        /// `X_REVEILLE_GENERATION` is no number from 1 to 2⁶³.
        case badGeneration(String)
        /// `X_REVEILLE_TTL_USEC` is no number of microseconds from 1 to a day.
        case badLife(String)
    }

    /// `X_REVEILLE_CHANNEL`.
    public let channel: ChannelName
    /// `X_REVEILLE_STATE`.
    public let state: State
    /// `STATUS`, at most ``WakeCore/Limits/reasonCharacters``.
    public let status: String?
    /// `X_REVEILLE_GENERATION`: grows with each time that the channel becomes ready; nil lets it be counted here.
    public let generation: UInt64?
    /// `X_REVEILLE_TTL_USEC`: the claim is void when this long has passed without another.
    public let life: Duration?

    /// Reads a datagram.
    ///
    /// - Returns: nil if it is a message of another kind, such as `BARRIER=1`.
    /// - Throws: ``Fault`` if it is meant for us and can't be used.
    public static func read(_ bytes: some Collection<UInt8>) throws(Fault) -> NotifyMessage? {
        guard bytes.count <= maximumBytes else { throw .tooLong }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .garbage }
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "="), equals > line.startIndex else { throw .garbage }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        guard !values.isEmpty else { throw .garbage }
        guard let name = values["X_REVEILLE_CHANNEL"] else { return nil }
        return try NotifyMessage(values, name)
    }

    private init(_ values: [Substring: Substring], _ name: Substring) throws(Fault) {
        guard let channel = ChannelName(String(name)) else { throw .badChannel(String(name.prefix(128))) }
        self.channel = channel
        let word = values["X_REVEILLE_STATE"] ?? ""
        guard let state = State(rawValue: String(word)) else { throw .badState(String(word.prefix(32))) }
        self.state = state
        status = values["STATUS"].flatMap { $0.isEmpty ? nil : String($0.prefix(Limits.reasonCharacters)) }
        if let text = values["X_REVEILLE_GENERATION"] {
            guard let number = UInt64(text), number > 0, number <= 1 << 63 else { throw .badGeneration(String(text.prefix(32))) }
            generation = number
        } else {
            generation = nil
        }
        guard let text = values["X_REVEILLE_TTL_USEC"] else {
            life = nil
            return
        }
        guard let microseconds = Int64(text), microseconds > 0, .microseconds(microseconds) <= Self.longestLife else {
            throw .badLife(String(text.prefix(32)))
        }
        life = .microseconds(microseconds)
    }
}
