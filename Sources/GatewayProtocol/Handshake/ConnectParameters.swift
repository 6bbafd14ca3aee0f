public import WakeCore

/// What a client says of itself in `connect`.
public struct ConnectParameters: Hashable, Sendable {
    /// The program at the other end.
    public struct Client: Hashable, Sendable {
        /// Which, from the protocol's list, such as `gateway-client` or `cli`.
        public var id: String
        /// Its version.
        public var version: String
        /// What it runs on.
        public var platform: String
        /// How it is used: `cli`, `ui`, `backend`, `node`, `probe`, `test`, ….
        public var mode: String
        /// What kind of machine, for the device's signature.
        public var deviceFamily: String?

        /// Makes a client.
        public init(id: String, version: String, platform: String, mode: String, deviceFamily: String? = nil) {
            self.id = id
            self.version = version
            self.platform = platform
            self.mode = mode
            self.deviceFamily = deviceFamily
        }
    }

    /// A device's proof that it holds its key.
    public struct Device: Hashable, Sendable {
        /// The SHA-256 of the raw public key, in hexadecimal.
        public var id: String
        /// The raw Ed25519 key of 32 bytes, in base64url.
        public var publicKey: String
        /// Over ``DeviceSignature``'s text, in base64url.
        public var signature: String
        /// When it was signed: the challenge's `ts`, in milliseconds since 1970.
        public var signedAt: Int64
        /// The challenge's nonce.
        public var nonce: String

        /// Makes a proof.
        public init(id: String, publicKey: String, signature: String, signedAt: Int64, nonce: String) {
            self.id = id
            self.publicKey = publicKey
            self.signature = signature
            self.signedAt = signedAt
            self.nonce = nonce
        }
    }

    /// The oldest version of the protocol that the client speaks.
    public var minProtocol: Int64
    /// The newest one.
    public var maxProtocol: Int64
    /// The program.
    public var client: Client
    /// What it wants to be: `operator`, `node`, `worker`. Default `operator`.
    public var role: String
    /// What it wants to be allowed; nil where it says nothing.
    public var scopes: [String]?
    /// The shared secret, from `auth.token` or `auth.password`.
    public var secret: String?
    /// The device's proof.
    public var device: Device?

    /// Makes the parameters.
    public init(
        minProtocol: Int64 = GatewayLimits.versions.lowerBound, maxProtocol: Int64 = GatewayLimits.versions.upperBound,
        client: Client,
        role: String = "operator", scopes: [String]? = nil, secret: String? = nil, device: Device? = nil
    ) {
        self.minProtocol = minProtocol
        self.maxProtocol = maxProtocol
        self.client = client
        self.role = role
        self.scopes = scopes
        self.secret = secret
        self.device = device
    }
}

/// What a server says to a client that it has let in: the payload of `hello-ok`.
public struct Hello: Hashable, Sendable {
    /// The version of the protocol that is spoken from now on.
    public var version: Int64
    /// The server's own version.
    public var serverVersion: String
    /// This connection, as the server calls it.
    public var connection: String
    /// The methods that it serves.
    public var methods: [String]
    /// The events that it sends.
    public var events: [String]
    /// How things are: `snapshot`.
    public var snapshot: JSONObject
    /// What the client may be.
    public var role: String
    /// What the client may do.
    public var scopes: [String]
    /// `policy.maxPayload`, in bytes.
    public var maxPayloadBytes: Int
    /// `policy.maxBufferedBytes`.
    public var maxBufferedBytes: Int
    /// `policy.tickIntervalMs`.
    public var tickIntervalMilliseconds: Int64

    /// Makes a hello.
    public init(
        version: Int64, serverVersion: String, connection: String, methods: [String], events: [String], snapshot: JSONObject,
        role: String, scopes: [String], maxPayloadBytes: Int = GatewayLimits.frameBytes,
        maxBufferedBytes: Int = GatewayLimits.bufferedBytes, tickIntervalMilliseconds: Int64 = GatewayLimits.tickMilliseconds
    ) {
        self.version = version
        self.serverVersion = serverVersion
        self.connection = connection
        self.methods = methods
        self.events = events
        self.snapshot = snapshot
        self.role = role
        self.scopes = scopes
        self.maxPayloadBytes = maxPayloadBytes
        self.maxBufferedBytes = maxBufferedBytes
        self.tickIntervalMilliseconds = tickIntervalMilliseconds
    }
}
