public import WakeCore

/// One frame from the gateway: `{"op", "d", "s", "t"}`. Rule: Discord, events/gateway-events, "Payload Structure".
public struct GatewayPayload: Hashable, Sendable {
    /// The largest frame that is read. Bigger guilds fit with room; a frame of 10 MiB does not.
    public static let maximumBytes = 4 << 20
    /// How deep a frame may nest; Discord's nest about 10 deep.
    public static let maximumDepth = 64

    /// What kind of frame it is; kinds that are not known are kept and later ignored.
    public var opcode: Int64
    /// The body, `.null` where there is none.
    public var data: JSONValue
    /// The sequence of a dispatch.
    public var sequence: Int64?
    /// The name of a dispatch, such as `READY`.
    public var type: String?

    /// Makes a frame, for tests.
    public init(opcode: Int64, data: JSONValue = .null, sequence: Int64? = nil, type: String? = nil) {
        self.opcode = opcode
        self.data = data
        self.sequence = sequence
        self.type = type
    }

    /// Reads a frame from the bytes of one text message. Never traps.
    ///
    /// Members that are not known are ignored; a sequence that is no whole number counts as none.
    /// - Throws: ``GatewayPayloadError`` that says what is wrong with the frame, without quoting its contents.
    public init(parsing bytes: some Collection<UInt8>) throws(GatewayPayloadError) {
        guard bytes.count <= Self.maximumBytes else { throw .tooLong(bytes: bytes.count) }
        let json: JSONValue
        do {
            json = try JSONValue.parse(bytes, maximumDepth: Self.maximumDepth)
        } catch {
            throw .notJSON("\(error)")
        }
        guard case .object(let object) = json else { throw .notAnObject }
        guard let opcode = object["op"]?.integer else { throw .noOpcode }
        self.init(
            opcode: opcode, data: object["d"] ?? .null, sequence: object["s"]?.integer.flatMap { $0 >= 0 ? $0 : nil },
            type: object["t"]?.string)
    }
}

/// Why a frame can't be read.
public enum GatewayPayloadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Larger than ``GatewayPayload/maximumBytes``.
    case tooLong(bytes: Int)
    /// Not JSON; says where.
    case notJSON(String)
    /// JSON, but no object.
    case notAnObject
    /// No whole number under `op`.
    case noOpcode
    /// A frame of this kind lacks something that the protocol promises.
    case missing(String)

    /// What is wrong, in words.
    public var description: String {
        switch self {
        case .tooLong(let bytes): "a frame of \(bytes) bytes, over the limit of \(GatewayPayload.maximumBytes)"
        case .notJSON(let problem): "a frame that is not JSON (\(problem))"
        case .notAnObject: "a frame that is not a JSON object"
        case .noOpcode: "a frame without an opcode"
        case .missing(let what): "a frame without \(what)"
        }
    }
}

/// A frame that we send. It becomes bytes only together with the token, so that no machine, log or test ever holds the token.
public enum GatewayCommand: Hashable, Sendable {
    /// Op 1.
    case heartbeat(sequence: Int64?)
    /// Op 2.
    case identify(intents: GatewayIntents)
    /// Op 6.
    case resume(sessionID: String, sequence: Int64)

    /// The longest frame that Discord takes from a client; a longer one closes the connection with 4002.
    public static let maximumBytes = 4096

    /// The frame as JSON text.
    public func encoded(token: String) -> [UInt8] {
        switch self {
        case .heartbeat(let sequence):
            frame(opcode: 1, sequence.map { .integer($0) } ?? .null)
        case .identify(let intents):
            frame(
                opcode: 2,
                [
                    "token": .string(token), "intents": .integer(intents.rawValue),
                    "properties": ["os": "linux", "browser": "reveille", "device": "reveille"],
                    "compress": false, "large_threshold": 50,
                ])
        case .resume(let sessionID, let sequence):
            frame(opcode: 6, ["token": .string(token), "session_id": .string(sessionID), "seq": .integer(sequence)])
        }
    }

    private func frame(opcode: Int64, _ data: JSONValue) -> [UInt8] {
        let json: JSONValue = ["op": .integer(opcode), "d": data]
        return json.bytes
    }
}
