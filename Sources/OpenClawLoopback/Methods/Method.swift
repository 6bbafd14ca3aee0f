/// A method of the gateway.
struct Method: Sendable {
    /// Answers a call; `nil` where the answer comes later.
    typealias Perform = @Sendable (inout GatewayState, Call) throws(Refusal) -> JSON?

    /// What the caller needs.
    let scope: Scope
    /// Only the newest generation has it.
    var isNewest = false
    /// The params that there are; `nil` where not all are known to this stand-in. Others are refused, as OpenClaw does.
    let params: Set<String>?
    let perform: Perform

    static let all: [String: Method] = statusMethods.merging(configMethods) { $1 }.merging(sessionMethods) { $1 }
        .merging(agentMethods) { $1 }
}

extension GatewayState {
    private static let frameMembers: Set<String> = ["type", "id", "method", "params"]
    private static let newestFrameMembers: Set<String> = ["traceparent", "expectedProfileId"]

    /// Answers a frame of a client that is authenticated.
    mutating func received(_ frame: JSON, from connection: UInt64) {
        let known = Self.frameMembers.union(options.generation == .newest ? Self.newestFrameMembers : [])
        guard frame["type"] == "req", let id = frame["id"]?.filled, let method = frame["method"]?.filled,
            let members = frame.object?.keys, known.isSuperset(of: members)
        else {
            let call = Call(
                connection: connection, life: life.number, id: frame["id"]?.filled ?? "invalid", method: "", params: [:])
            return answer(call, nil, .invalid("invalid request frame"))
        }
        let call = Call(
            connection: connection, life: life.number, id: id, method: method, params: frame["params"] ?? [:])
        log.record(
            "call",
            [
                "conn": life.connections[connection].map { JSON($0.number) } ?? .null, "method": .string(method),
                "id": .string(id),
            ])
        do throws(Refusal) {
            if let payload = try perform(call) { answer(call, payload) }
        } catch {
            answer(call, nil, error)
        }
    }

    private mutating func perform(_ call: Call) throws(Refusal) -> JSON? {
        guard call.method != "connect" else { throw .invalid("connect is only valid as the first request") }
        guard let method = Method.all[call.method], !method.isNewest || options.generation == .newest else {
            throw .invalid("unknown method: \(call.method)")
        }
        guard method.scope.isGranted(by: life.connections[call.connection]?.scopes ?? []) else {
            let scope = method.scope.rawValue
            throw Refusal(
                "FORBIDDEN", "missing scope: \(scope)",
                details: ["code": "MISSING_SCOPE", "missingScope": .string(scope), "requiredScopes": [.string(scope)]])
        }
        guard let params = call.params.object else { throw .invalid("invalid \(call.method) params: must be object") }
        if let known = method.params, let other = Set(params.keys).subtracting(known).sorted().first {
            throw .invalid("invalid \(call.method) params: at root: unexpected property '\(other)'")
        }
        return try method.perform(&self, call)
    }
}
