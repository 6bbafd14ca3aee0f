public import WakeCore

/// Why bytes are no frame.
public struct FrameFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in words.
    public let description: String
    /// The id of the request, where the bytes told one before they went wrong: then it can be answered.
    public let id: RequestID?

    init(_ description: String, id: RequestID? = nil) {
        self.description = description
        self.id = id
    }
}

extension GatewayFrame {
    /// How deeply params and payloads may nest.
    public static let maximumDepth = 64
    /// The longest name of a method or an event, in bytes.
    public static let nameMaximumBytes = 128

    /// Reads one frame. Fields that it does not know are passed over; never traps, whatever the bytes.
    ///
    /// - Throws: ``FrameFault``; a key that comes twice in one object is a fault, since readers differ in which one counts.
    public init(_ bytes: some Collection<UInt8>) throws(FrameFault) {
        // The reader of JSON mends bad text; a frame that is mended is not the one that was sent.
        guard bytes is String.UTF8View || String(validating: bytes, as: UTF8.self) != nil else {
            throw FrameFault("the frame is not UTF-8")
        }
        let value: JSONValue
        do { value = try JSONValue.parse(bytes, maximumDepth: Self.maximumDepth) } catch {
            throw FrameFault("the frame is no JSON document: \(error)")
        }
        guard case .object(let frame) = value else { throw FrameFault("the frame is no JSON object") }
        let id = RequestID(frame["id"])
        if let key = value.repeatedKey { throw FrameFault("the key \"\(key)\" comes twice in one object", id: id) }
        switch frame["type"]?.string {
        case "req": self = .request(try Self.request(frame, id))
        case "res": self = .response(try Self.response(frame, id))
        case "event": self = .event(try Self.event(frame))
        case "cancel":
            guard let id else { throw FrameFault("a cancel frame without the id of a request") }
            self = .cancel(id)
        case nil: throw FrameFault("the frame has no \"type\"", id: id)
        case let type?: throw FrameFault("\"\(type.prefix(32))\" is no type of frame", id: id)
        }
    }

    private static func request(_ frame: JSONObject, _ id: RequestID?) throws(FrameFault) -> GatewayRequest {
        guard let id else {
            throw FrameFault("a request needs an \"id\": a string of 1 to \(RequestID.maximumBytes) bytes, or a whole number")
        }
        return GatewayRequest(id: id, method: try name(frame["method"], "method", id), params: present(frame["params"]))
    }

    private static func response(_ frame: JSONObject, _ id: RequestID?) throws(FrameFault) -> GatewayResponse {
        guard let id else { throw FrameFault("an answer without the id of a request") }
        guard let isGood = frame["ok"]?.bool else { throw FrameFault("an answer needs \"ok\": true or false", id: id) }
        guard !isGood else { return GatewayResponse(id: id, result: .success(present(frame["payload"]))) }
        return GatewayResponse(id: id, result: .failure(GatewayFault(frame["error"])))
    }

    private static func event(_ frame: JSONObject) throws(FrameFault) -> GatewayEvent {
        let name = try name(frame["event"], "event", nil)
        return GatewayEvent(name, payload: present(frame["payload"]), seq: frame["seq"]?.integer)
    }

    private static func name(_ value: JSONValue?, _ field: String, _ id: RequestID?) throws(FrameFault) -> String {
        guard let name = value?.string, !name.isEmpty, name.utf8.count <= nameMaximumBytes else {
            throw FrameFault("\"\(field)\" must be a string of 1 to \(nameMaximumBytes) bytes", id: id)
        }
        return name
    }

    /// What a peer sends as `null` is as good as not there.
    private static func present(_ value: JSONValue?) -> JSONValue? { value?.isNull == true ? nil : value }

    /// The frame as it goes over the wire: compact JSON, absent fields left out.
    public var bytes: [UInt8] { json.bytes }

    /// The frame as a document.
    public var json: JSONValue {
        var object: JSONObject
        switch self {
        case .request(let request):
            object = ["type": "req", "id": request.id.json, "method": .string(request.method)]
            object["params"] = request.params
        case .response(let response):
            object = ["type": "res", "id": response.id.json]
            switch response.result {
            case .success(let payload):
                object["ok"] = true
                object["payload"] = payload
            case .failure(let fault):
                object["ok"] = false
                object["error"] = fault.json
            }
        case .event(let event):
            object = ["type": "event", "event": .string(event.name)]
            object["payload"] = event.payload
            object["seq"] = event.seq.map { .integer($0) }
        case .cancel(let id): object = ["type": "cancel", "id": id.json]
        }
        return .object(object)
    }
}

extension GatewayFault {
    /// Reads a fault as a peer sent it; what is missing is filled in, since a fault must never be lost for its form.
    public init(_ json: JSONValue?) {
        code = Code(json?["code"]?.string ?? "UNKNOWN")
        message = json?["message"]?.string ?? "the far side gave no reason"
        details = json?["details"]?.object
        isRetryable = json?["retryable"]?.bool
        retryAfterMilliseconds = json?["retryAfterMs"]?.integer
    }

    /// As it goes over the wire.
    public var json: JSONValue {
        var object: JSONObject = ["code": .string(code.description), "message": .string(message)]
        object["details"] = details.map { .object($0) }
        object["retryable"] = isRetryable.map { .bool($0) }
        object["retryAfterMs"] = retryAfterMilliseconds.map { .integer($0) }
        return .object(object)
    }
}

extension JSONValue {
    /// A key that comes twice in one of its objects; nil if none does.
    var repeatedKey: String? {
        switch self {
        case .object(let object):
            var seen: Set<String> = []
            for member in object.members {
                guard seen.insert(member.key).inserted else { return member.key }
                if let key = member.value.repeatedKey { return key }
            }
            return nil
        case .array(let elements):
            for element in elements { if let key = element.repeatedKey { return key } }
            return nil
        default: return nil
        }
    }
}
