public import WakeCore

/// One frame of the gateway protocol: a text message of a WebSocket that holds one JSON object.
public enum GatewayFrame: Hashable, Sendable {
    /// Somebody asks for something.
    case request(GatewayRequest)
    /// The answer.
    case response(GatewayResponse)
    /// News that nobody asked for.
    case event(GatewayEvent)
    /// Whoever asked is no longer interested. Old servers don't know it.
    case cancel(RequestID)
}

/// What ties an answer to its question: chosen by whoever asks, and given back as it was sent.
///
/// A string of 1 to 256 bytes by the protocol; whole numbers, which some clients send, are given back as numbers.
public enum RequestID: Hashable, Sendable, CustomStringConvertible {
    /// A string.
    case text(String)
    /// A whole number.
    case number(Int64)

    /// The longest id, in bytes.
    public static let maximumBytes = 256

    /// Reads an id; nil if it is none.
    public init?(_ value: JSONValue?) {
        switch value {
        case .string(let text) where !text.isEmpty && text.utf8.count <= Self.maximumBytes: self = .text(text)
        case .integer(let number): self = .number(number)
        default: return nil
        }
    }

    /// As it goes over the wire.
    public var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .number(let number): .integer(number)
        }
    }

    /// As text.
    public var description: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        }
    }
}

/// A request.
public struct GatewayRequest: Hashable, Sendable {
    /// What ties the answer to it.
    public var id: RequestID
    /// What is asked for, such as `config.patch`.
    public var method: String
    /// With what; nil where there is none.
    public var params: JSONValue?

    /// Makes a request.
    public init(id: RequestID, method: String, params: JSONValue? = nil) {
        self.id = id
        self.method = method
        self.params = params
    }
}

/// An answer. Answers may come in another order than the questions, and a method may answer twice: accepted, then done.
public struct GatewayResponse: Hashable, Sendable {
    /// The id of the question.
    public var id: RequestID
    /// What came of it.
    public var result: Result<JSONValue?, GatewayFault>

    /// Makes an answer.
    public init(id: RequestID, result: Result<JSONValue?, GatewayFault>) {
        self.id = id
        self.result = result
    }
}

/// News.
public struct GatewayEvent: Hashable, Sendable {
    /// Which, such as `tick`.
    public var name: String
    /// The news itself.
    public var payload: JSONValue?
    /// Numbers what goes to everybody, one client at a time, from 1; news for one client alone bear none.
    public var seq: Int64?

    /// Makes an event.
    public init(_ name: String, payload: JSONValue? = nil, seq: Int64? = nil) {
        self.name = name
        self.payload = payload
        self.seq = seq
    }
}
