public import WakeCore

extension ConnectParameters {
    /// Reads the params of `connect`. Fields that it does not know are passed over.
    ///
    /// - Throws: ``GatewayFault`` `INVALID_REQUEST`, which names everything that is wrong at once.
    public init(_ params: JSONValue?) throws(GatewayFault) {
        var fields = FieldReader(params, in: "connect")
        minProtocol = fields.integer("minProtocol", 1...Int64.max) ?? 1
        maxProtocol = fields.integer("maxProtocol", 1...Int64.max) ?? 1
        var client = fields.object("client")
        self.client = Client(
            id: client.text("id", 1...64) ?? "", version: client.text("version", 1...64) ?? "",
            platform: client.text("platform", 1...64) ?? "", mode: client.text("mode", 1...32) ?? "",
            deviceFamily: client.optionalText("deviceFamily", 1...64))
        fields.join(client)
        role = fields.optionalText("role", 1...32) ?? "operator"
        scopes = fields.optionalTexts("scopes", count: 64, bytes: 1...64)
        var auth = fields.optionalObject("auth")
        secret = auth?.optionalText("token", 1...4_096) ?? auth?.optionalText("password", 1...4_096)
        if let auth { fields.join(auth) }
        if var proof = fields.optionalObject("device") {
            device = Device(
                id: proof.text("id", 1...128) ?? "", publicKey: proof.text("publicKey", 1...128) ?? "",
                signature: proof.text("signature", 1...256) ?? "", signedAt: proof.integer("signedAt", 0...Int64.max) ?? 0,
                nonce: proof.text("nonce", 1...128) ?? "")
            fields.join(proof)
        }
        try fields.finish()
    }

    /// As they go over the wire.
    public var json: JSONValue {
        var client: JSONObject = [
            "id": .string(client.id), "version": .string(client.version), "platform": .string(client.platform),
            "mode": .string(client.mode),
        ]
        client["deviceFamily"] = self.client.deviceFamily.map { .string($0) }
        var object: JSONObject = [
            "minProtocol": .integer(minProtocol), "maxProtocol": .integer(maxProtocol), "client": .object(client),
            "role": .string(role),
        ]
        object["scopes"] = scopes.map { .array($0.map { .string($0) }) }
        object["auth"] = secret.map { ["token": .string($0)] }
        object["device"] = device.map {
            [
                "id": .string($0.id), "publicKey": .string($0.publicKey), "signature": .string($0.signature),
                "signedAt": .integer($0.signedAt), "nonce": .string($0.nonce),
            ]
        }
        return .object(object)
    }
}

extension Hello {
    /// Reads a `hello-ok`. Only the version must be there: gateways differ in the rest.
    public init?(_ payload: JSONValue?) {
        guard let payload, let version = payload["protocol"]?.integer else { return nil }
        self.version = version
        serverVersion = payload["server"]?["version"]?.string ?? ""
        connection = payload["server"]?["connId"]?.string ?? ""
        methods = payload["features"]?["methods"]?.array?.compactMap(\.string) ?? []
        events = payload["features"]?["events"]?.array?.compactMap(\.string) ?? []
        snapshot = payload["snapshot"]?.object ?? [:]
        role = payload["auth"]?["role"]?.string ?? "operator"
        scopes = payload["auth"]?["scopes"]?.array?.compactMap(\.string) ?? []
        let policy = payload["policy"]
        maxPayloadBytes = Self.count(policy?["maxPayload"]) ?? GatewayLimits.frameBytes
        maxBufferedBytes = Self.count(policy?["maxBufferedBytes"]) ?? GatewayLimits.bufferedBytes
        tickIntervalMilliseconds =
            policy?["tickIntervalMs"]?.integer.flatMap { $0 > 0 ? $0 : nil } ?? GatewayLimits.tickMilliseconds
    }

    private static func count(_ value: JSONValue?) -> Int? { value?.integer.flatMap { $0 > 0 ? Int(exactly: $0) : nil } }

    /// As it goes over the wire.
    public var json: JSONValue {
        [
            "type": "hello-ok", "protocol": .integer(version),
            "server": ["version": .string(serverVersion), "connId": .string(connection)],
            "features": ["methods": .array(methods.map { .string($0) }), "events": .array(events.map { .string($0) })],
            "snapshot": .object(snapshot), "auth": ["role": .string(role), "scopes": .array(scopes.map { .string($0) })],
            "policy": [
                "maxPayload": .integer(Int64(maxPayloadBytes)), "maxBufferedBytes": .integer(Int64(maxBufferedBytes)),
                "tickIntervalMs": .integer(tickIntervalMilliseconds),
            ],
        ]
    }
}
