public import GatewayProtocol
public import WakeCore

/// Who is at the other end of a connection, as far as it was proven.
public struct ControlCaller: Hashable, Sendable {
    /// How it was proven.
    public enum Proof: Hashable, Sendable {
        /// By the token.
        case token
        /// By the key of a paired device.
        case device(String)
        /// By the kernel, over a Unix socket.
        case peer(uid: UInt32, pid: Int32)
    }

    /// How it was proven.
    public var proof: Proof
    /// What it may do.
    public var scopes: Set<Scope>
    /// Which sessions it may name, as patterns of session keys with `*` for any text; nil: all.
    public var sessions: [String]?
    /// The program, by its own word.
    public var client: ConnectParameters.Client
    /// From where: an IP address, or `unix`.
    public var address: String
    /// The connection, as hello calls it.
    public var connection: String

    /// Makes a caller.
    public init(
        proof: Proof, scopes: Set<Scope>, sessions: [String]? = nil, client: ConnectParameters.Client, address: String,
        connection: String
    ) {
        self.proof = proof
        self.scopes = scopes
        self.sessions = sessions
        self.client = client
        self.address = address
        self.connection = connection
    }

    /// The same for every connection of one caller: what limits and idempotency keys are counted by.
    public var key: String {
        switch proof {
        case .token: "token@\(address)"
        case .device(let id): "device:\(id)@\(address)"
        case .peer(let uid, _): "uid:\(uid)"
        }
    }
}

/// One method, as the desk serves it.
public struct ControlMethod: Hashable, Sendable {
    /// What a caller needs.
    public var scope: Scope
    /// Whether it changes something about the control plane, and so is limited to ``GatewayProtocol/GatewayLimits/writes`` per caller.
    public var isLimited: Bool

    /// Makes a method.
    public init(_ scope: Scope, isLimited: Bool = false) {
        self.scope = scope
        self.isLimited = isLimited
    }
}

/// One request, from somebody who may make it.
public struct ControlCall: Sendable {
    /// What is asked for; one of the desk's methods.
    public var method: String
    /// With what.
    public var params: JSONValue?
    /// By whom.
    public var caller: ControlCaller

    /// Makes a call.
    public init(method: String, params: JSONValue?, caller: ControlCaller) {
        self.method = method
        self.params = params
        self.caller = caller
    }
}

/// Answers what comes over the control sockets. The server knows frames, handshakes and limits; the desk knows what the methods do.
public protocol ControlDesk: Sendable {
    /// The methods that it serves, by name. `connect` is the server's own.
    var methods: [String: ControlMethod] { get }
    /// The events that may be published, by name, with what a client needs to hear them.
    var events: [String: Scope] { get }

    /// Whether a caller may hear of this; its scope is good enough.
    func hears(_ caller: ControlCaller, _ event: GatewayEvent) -> Bool

    /// Answers a call. The caller was let in, has the scope, and is within its limits.
    func answer(_ call: ControlCall) async -> Result<JSONValue?, GatewayFault>

    /// How things are, for `hello-ok` and the `health` event. Must be quick.
    func snapshot() async -> JSONObject
}

extension ControlDesk {
    /// By default whoever has the scope hears everything.
    public func hears(_ caller: ControlCaller, _ event: GatewayEvent) -> Bool { true }
}

/// Remembers which devices were paired. What a device may do is decided there, not by the device.
public protocol PairingBook: Sendable {
    /// The pairing of a device; nil if it has none. The key must be the one that was paired.
    func pairing(ofDevice id: String, publicKey: String) async -> Pairing?

    /// Notes that a device wants to be paired, for an operator to decide. The same device asked for twice has one request.
    ///
    /// - Returns: the request's id, which the operator names.
    func request(_ wish: PairingWish) async -> String
}

/// A paired device.
public struct Pairing: Hashable, Sendable {
    /// What it may do.
    public var scopes: Set<Scope>
    /// Which sessions it may name; nil: all.
    public var sessions: [String]?

    /// Makes a pairing.
    public init(scopes: Set<Scope>, sessions: [String]? = nil) {
        self.scopes = scopes
        self.sessions = sessions
    }
}

/// A device that wants to be paired.
public struct PairingWish: Hashable, Sendable {
    /// The device's id.
    public var device: String
    /// Its public key, as it was sent.
    public var publicKey: String
    /// What it asks for.
    public var scopes: [String]
    /// The program that it runs.
    public var client: ConnectParameters.Client
    /// From where.
    public var address: String

    /// Makes a wish.
    public init(device: String, publicKey: String, scopes: [String], client: ConnectParameters.Client, address: String) {
        self.device = device
        self.publicKey = publicKey
        self.scopes = scopes
        self.client = client
        self.address = address
    }
}
