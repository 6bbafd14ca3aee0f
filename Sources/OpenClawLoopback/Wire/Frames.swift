/// Why a request is refused: the `error` of an answer.
struct Refusal: Error, Sendable, Equatable {
    var code: String
    var message: String
    var details: JSON?
    var retryAfterMilliseconds: Int?

    init(_ code: String, _ message: String, details: JSON? = nil, retryAfterMilliseconds: Int? = nil) {
        self.code = code
        self.message = message
        self.details = details
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    static func invalid(_ message: String, details: JSON? = nil) -> Refusal {
        Refusal("INVALID_REQUEST", message, details: details)
    }

    static func unavailable(_ message: String) -> Refusal { Refusal("UNAVAILABLE", message) }

    /// While channels and sidecars are still coming up.
    static let starting = Refusal(
        "UNAVAILABLE", "gateway starting; retry shortly", details: ["reason": "startup-sidecars"], retryAfterMilliseconds: 500)

    var json: JSON {
        .members([
            "code": .string(code), "message": .string(message), "details": details,
            "retryable": retryAfterMilliseconds.map { _ in true }, "retryAfterMs": retryAfterMilliseconds.map { JSON($0) },
        ])
    }
}

/// A request, and where its answer goes.
struct Call: Sendable {
    let connection: UInt64
    let life: Int
    let id: String
    let method: String
    let params: JSON

    /// A text that must be there.
    func required(_ name: String) throws(Refusal) -> String {
        guard let text = params[name]?.filled else {
            throw .invalid("invalid \(method) params: must have required property '\(name)'")
        }
        return text
    }
}

/// The frames that the gateway sends.
enum Frame {
    static func event(_ name: String, _ payload: JSON, seq: Int? = nil) -> JSON {
        .members(["type": "event", "event": .string(name), "payload": payload, "seq": seq.map { JSON($0) }])
    }

    static func answer(_ id: String, payload: JSON?, error: Refusal?) -> JSON {
        .members([
            "type": "res", "id": .string(id), "ok": .bool(error == nil), "payload": payload, "error": error?.json,
        ])
    }
}
