import ControlServer
import GatewayProtocol
import Glibc
import Logging
import Synchronization
import Testing
import WakeCore
import WakeService
import WakeTesting

/// A control server with a desk that answers by the book, for one test.
struct ControlRig: Sendable {
    let server: ControlServer
    let port: Int
    let desk: Desk
    private let end: AsyncStream<Void>

    /// Returns when the server has ended by itself.
    func finished() async throws { for await _ in end {} }

    /// Serves while the body runs.
    static func run(
        access: ControlAccess = ControlAccess(token: "sesame", owner: 1), desk: Desk = Desk(), moments: (any MomentSource)? = nil,
        unix: Int32? = nil, clients: Int? = nil, metrics: PrometheusMetrics = PrometheusMetrics(),
        _ body: @Sendable (ControlRig) async throws -> Void
    ) async throws {
        let moments = try moments ?? SystemMoments(environment: [:])
        var parts = ControlServer.Parts(
            access: access, desk: desk, pairings: desk,
            health: { .init(isRecovered: true, channels: [], status: "well") }, metrics: { metrics.text },
            moments: moments, dice: SeededDice(), version: "test", logger: Logger(label: "test"))
        if let clients { parts.maximumClients = clients }
        let server = ControlServer(
            listeners: [unix.map { .descriptor($0) } ?? .address(host: "127.0.0.1", port: 0)], parts)
        let (ports, told) = AsyncStream.makeStream(of: Int.self)
        let (end, ended) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer {
                    told.finish()
                    ended.finish()
                }
                try await server.run { told.yield($1) }
            }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await body(ControlRig(server: server, port: port, desk: desk, end: end))
            group.cancelAll()
        }
    }

    /// A client that is let in.
    func client(_ extra: String = #","auth":{"token":"sesame"}"#) async throws -> Wire {
        let wire = try await Wire.webSocket(port: port)
        let answer = try await wire.hello(extra)
        try #require(answer?["ok"]?.bool == true, "\(String(describing: answer))")
        return wire
    }
}

/// Answers by the book, and knows the devices that it was told.
final class Desk: ControlDesk, PairingBook {
    private struct State {
        var pairings: [String: Pairing] = [:]
        var wishes: [PairingWish] = []
        var callers: [ControlCaller] = []
    }

    private let state = Mutex(State())
    /// Calls of `wait` tell that they have begun.
    let begun: AsyncStream<Void>
    private let begins: AsyncStream<Void>.Continuation
    private let gate: AsyncStream<Void>
    private let opener: AsyncStream<Void>.Continuation

    init() {
        (begun, begins) = AsyncStream.makeStream(of: Void.self)
        (gate, opener) = AsyncStream.makeStream(of: Void.self)
    }

    let methods: [String: ControlMethod] = [
        "echo": ControlMethod(.read), "wait": ControlMethod(.read), "poke": ControlMethod(.write),
        "patch": ControlMethod(.admin, isLimited: true),
    ]
    let events: [String: Scope] = ["tick": .read, "shutdown": .read, "news": .read, "secret": .admin]

    var callers: [ControlCaller] { state.withLock(\.callers) }
    var wishes: [PairingWish] { state.withLock(\.wishes) }

    func pair(_ device: String, _ key: String, _ pairing: Pairing) { state.withLock { $0.pairings[device + key] = pairing } }

    /// Lets one call of `wait` end.
    func open() { opener.yield() }

    /// Returns when a call of `wait` has begun.
    func waitUntilBegun() async {
        var iterator = begun.makeAsyncIterator()
        _ = await iterator.next()
    }

    func answer(_ call: ControlCall) async -> Result<JSONValue?, GatewayFault> {
        state.withLock { $0.callers.append(call.caller) }
        guard call.method == "wait" else { return .success(call.params) }
        begins.yield()
        var iterator = gate.makeAsyncIterator()
        _ = await iterator.next()
        return .success(["cancelled": .bool(Task.isCancelled)])
    }

    func snapshot() async -> JSONObject { ["uptimeMs": 1] }

    func pairing(ofDevice id: String, publicKey: String) async -> Pairing? { state.withLock { $0.pairings[id + publicKey] } }

    func request(_ wish: PairingWish) async -> String {
        state.withLock { $0.wishes.append(wish) }
        return "r1"
    }
}

/// A listening Unix socket in a directory of its own.
func unixListener() throws -> (descriptor: Int32, path: String) {
    var template = Array("/tmp/rv-control-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
    try #require(mkdtemp(&template) != nil)
    let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } + "/s"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isListening = withUnsafeBytes(of: &address) { bytes in
        bind(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
    }
    try #require(isListening && listen(descriptor, 128) == 0)
    return (descriptor, path)
}
