import WakeCore

/// The outside of a restart sentinel: the checks before anything in it is looked at.
enum RestartSentinelEnvelope {
    /// The payload of `{"version": 1, "payload": {…}}`.
    static func payload(of bytes: [UInt8]) throws(RestartSentinelFileError) -> JSONValue {
        guard bytes.count <= RestartSentinelFile.maximumBytes else {
            throw RestartSentinelFileError(
                .tooLarge, "the restart sentinel has \(bytes.count) bytes; at most \(RestartSentinelFile.maximumBytes) are read",
                hint: "Look at the file; no gateway writes one that large. The restart is not reported to anybody.")
        }
        let document = try document(bytes)
        guard let version = document["version"]?.integer else {
            throw RestartSentinelFileError(
                .otherVersion, "the restart sentinel names no version", hint: RestartSentinelFileError.newerGateway)
        }
        guard version == 1 else {
            throw RestartSentinelFileError(
                .otherVersion, "the restart sentinel has version \(version), and only version 1 is known",
                hint: RestartSentinelFileError.newerGateway)
        }
        guard let payload = document["payload"], payload.object != nil else {
            throw RestartSentinelFileError(
                .noPayload, "the restart sentinel has no payload",
                hint: "Nothing is known of this restart. The gateway itself deletes such a file.")
        }
        return payload
    }

    /// The session's key; nil where none is named.
    static func sessionKey(_ value: JSONValue?) throws(RestartSentinelFileError) -> SessionKey? {
        guard let value, !value.isNull, value != .string("") else { return nil }
        guard let text = value.string else {
            throw RestartSentinelFileError(
                .badSessionKey, "the session key in the restart sentinel is no text", hint: RestartSentinelFileError.badKey)
        }
        do { return try SessionKey(text) } catch {
            throw RestartSentinelFileError(
                .badSessionKey, "the session key in the restart sentinel can't be read", cause: error.description,
                hint: RestartSentinelFileError.badKey)
        }
    }

    private static func document(_ bytes: [UInt8]) throws(RestartSentinelFileError) -> JSONValue {
        do { return try JSONValue.parse(bytes) } catch {
            guard isHalfWritten(bytes, error) else {
                throw RestartSentinelFileError(
                    .notJSON, "the restart sentinel is not JSON", cause: error.description,
                    hint: "Look at the file; something else than the gateway may have written it.")
            }
            throw RestartSentinelFileError(
                .halfWritten, "the restart sentinel is only half written", cause: error.description,
                hint: "It is read again. If it stays so, the gateway was stopped while it wrote: ask it for the restart again.")
        }
    }

    /// A gateway truncates the file and writes an object: what is there in between is empty, or begins like one and ends early.
    private static func isHalfWritten(_ bytes: [UInt8], _ error: JSONError) -> Bool {
        let text = bytes.filter { $0 > 0x20 }
        guard let first = text.first else { return true }
        return first == UInt8(ascii: "{") && (error.offsetBytes >= bytes.count || text.last != UInt8(ascii: "}"))
    }
}

/// Why a restart sentinel can't be used.
public struct RestartSentinelFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of fault; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// The file ends within its document; a moment later it may be whole.
        public static let halfWritten = Code("half-written")
        /// The file is no JSON.
        public static let notJSON = Code("not-json")
        /// The file is over ``RestartSentinelFile/maximumBytes``.
        public static let tooLarge = Code("too-large")
        /// The envelope's version is not 1, or missing.
        public static let otherVersion = Code("other-version")
        /// There is no payload, or it is no object.
        public static let noPayload = Code("no-payload")
        /// The session's key can't be read.
        public static let badSessionKey = Code("bad-session-key")
    }

    /// What kind of fault.
    public let code: Code
    /// What is wrong.
    public let message: String
    /// What lies beneath.
    public let cause: String?
    /// What comes of it, or what to do next.
    public let hint: String

    init(_ code: Code, _ message: String, cause: String? = nil, hint: String) {
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
    }

    /// Message and cause, without the hint.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }

    static let newerGateway = "A newer gateway may have written it. Look for a newer reveille, and tell whoever asked by hand."
    static let badKey = "Nobody can be woken by it. Look at the sessionKey in the file, and tell whoever asked by hand."
}
