import ControlServer
import Foundation
import GatewayClient
import GatewayProtocol
import Glibc
import Logging
import Synchronization
import Testing
import WakeCore
import WakeService

/// A desk that counts what it carried out, and remembers the answers to idempotency keys as the ledger does.
private final class CountingDesk: ControlDesk, PairingBook {
    let methods: [String: ControlMethod] = [
        "count": ControlMethod(.read), "limited": ControlMethod(.write, isLimited: true), "admin": ControlMethod(.admin),
    ]
    let events: [String: Scope] = ["shutdown": .read, "tick": .read]
    let instance: String
    let paired: Mutex<[String: String]>
    let done: Mutex<[String: Int]>

    init(instance: String = "one", paired: [String: String] = [:]) {
        self.instance = instance
        self.paired = Mutex(paired)
        done = Mutex([:])
    }

    func answer(_ call: ControlCall) async -> Result<JSONValue?, GatewayFault> {
        let key = call.params?["n"]?.string ?? ""
        done.withLock { $0[key, default: 0] += 1 }
        return .success(["n": .string(key), "instance": .string(instance)])
    }

    func snapshot() async -> JSONObject { ["instance": .string(instance), "uptimeMs": 1] }
    func pairing(ofDevice id: String, publicKey: String) async -> Pairing? {
        paired.withLock { $0[id] == publicKey } ? Pairing(scopes: [.read]) : nil
    }
    func request(_ wish: PairingWish) async -> String { "wish-1" }
}

/// How many calls were answered.
private final class Tally: Sendable {
    private let count = Mutex(0)
    private let steps = AsyncStream.makeStream(of: Void.self)

    func add() {
        count.withLock { $0 += 1 }
        steps.continuation.yield()
    }

    /// Waits until so many were. One may wait at a time.
    func reach(_ goal: Int) async {
        var steps = steps.stream.makeAsyncIterator()
        while count.withLock({ $0 }) < goal { _ = await steps.next() }
    }
}

@Suite("The client and our own server")
struct RealServerTests {
    /// A listening Unix socket in a folder of its own, as a service manager would hold it.
    private static func withSocket(_ body: (Int32, GatewayAddress) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gw-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/s"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isListening = withUnsafeBytes(of: &address) { bytes in
            bind(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
                && listen(descriptor, 1_024) == 0
        }
        try #require(isListening)
        try await body(descriptor, .unix(path: path))
    }

    private static func server(_ listener: ControlServer.Listener, _ desk: CountingDesk, owner: UInt32 = getuid()) throws
        -> ControlServer
    {
        let health = ControlServer.Health(isRecovered: true, channels: [], status: "good")
        return ControlServer(
            listeners: [listener],
            .init(
                access: ControlAccess(token: "secret", owner: owner), desk: desk, pairings: desk, health: { health },
                metrics: { "" }, moments: try SystemMoments(environment: [:]), dice: SystemDice(), version: "test",
                logger: Logger(label: "test")))
    }

    private static func caller(_ address: GatewayAddress, _ credentials: GatewayCredentials = .none) throws -> GatewayCaller {
        GatewayCaller(address, credentials, moments: try SystemMoments(environment: [:]), dice: SystemDice())
    }

    /// Serves on a port while the body runs.
    private static func serving(
        _ desk: CountingDesk, _ body: @escaping @Sendable (GatewayAddress) async throws -> Void
    ) async throws {
        let server = try server(.address(host: "127.0.0.1", port: 0), desk)
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { announce.yield($1) } }
            defer { group.cancelAll() }
            var port = ports.makeAsyncIterator()
            try await body(.web("ws://127.0.0.1:\(await port.next() ?? 0)/gateway"))
        }
    }

    private static func code(_ body: () async throws -> Void) async -> GatewayError? {
        do { try await body() } catch { return error as? GatewayError }
        return nil
    }

    @Test("over the Unix socket the kernel's word is enough")
    func unix() async throws {
        try await Self.withSocket { descriptor, address in
            let server = try Self.server(.descriptor(dup(descriptor)), CountingDesk())
            let running = Task { try await server.run() }
            let answer = try await Self.caller(address).call("count", ["n": "a"])
            #expect(answer == ["n": "a", "instance": "one"])
            server.stop(reason: "test")
            try await running.value
        }
    }

    @Test("over TCP the token lets in, a wrong one or none is denied with what to do")
    func tokens() async throws {
        try await Self.serving(CountingDesk()) { address in
            let answer = try await Self.caller(address, .token("secret")).call("count")
            #expect(answer?["instance"] == "one")
            for credentials in [GatewayCredentials.token("wrong"), .none] {
                let error = await Self.code { _ = try await Self.caller(address, credentials).call("count") }
                #expect(error?.code == .denied && error?.hint?.contains("--token-file") == true, "\(String(describing: error))")
            }
        }
    }

    @Test("a paired device is let in by its signature, with the scopes of its pairing; another is told how to be paired")
    func devices() async throws {
        let known = DeviceIdentity()
        try await Self.serving(CountingDesk(paired: [known.id: known.publicKey])) { address in
            let answer = try await Self.caller(address, .device(known)).call("count")
            #expect(answer?["instance"] == "one")
            let beyond = await Self.code { _ = try await Self.caller(address, .device(known)).call("admin") }
            #expect(beyond?.code == .denied && beyond?.hint?.contains("operator.admin") == true)
            let stranger = await Self.code { _ = try await Self.caller(address, .device(DeviceIdentity())).call("count") }
            #expect(stranger?.code == .denied && stranger?.hint?.contains("reveille pair approve wish-1") == true)
        }
    }

    @Test("a limit without time for it is told, with when to come again")
    func limited() async throws {
        try await Self.serving(CountingDesk()) { address in
            let caller = try Self.caller(address, .token("secret"))
            for _ in 0..<GatewayLimits.writes { _ = try await caller.call("limited") }
            let error = await Self.code { _ = try await caller.call("limited") }
            #expect(error?.code == .unavailable && error?.message.contains("no more of these requests for") == true)
        }
    }

    private static func work(_ worker: Int, _ address: GatewayAddress, _ tally: Tally) async throws {
        let caller = try caller(address)
        for number in 0..<60 {
            let name = "\(worker)-\(number)"
            do {
                let answer = try await caller.call("count", ["n": .string(name)])
                #expect(answer?["n"]?.string == name)
            } catch { Issue.record(error) }
            tally.add()
        }
    }

    @Test("through ten restarts of the server behind one socket no call fails, and each is carried out once")
    func restarts() async throws {
        try await Self.withSocket { descriptor, address in
            let desks = (0..<11).map { CountingDesk(instance: "life-\($0)") }
            let tally = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask { try await Self.work(worker, address, tally) }
                }
                for (index, desk) in desks.enumerated() {
                    let server = try Self.server(.descriptor(dup(descriptor)), desk)
                    let running = Task { try await server.run() }
                    let goal = index < 10 ? (index + 1) * 20 : 240
                    await tally.reach(goal)
                    server.stop(reason: "restart", restartExpectedMilliseconds: 100)
                    try await running.value
                }
                try await group.waitForAll()
            }
            let done = desks.reduce(into: [String: Int]()) { all, desk in
                all.merge(desk.done.withLock { $0 }, uniquingKeysWith: +)
            }
            #expect(done.count == 240 && done.values.allSatisfy { $0 == 1 }, "\(done.filter { $0.value != 1 })")
        }
    }
}

@Suite("The key of a device")
struct DeviceIdentityTests {
    private static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    @Test("is made once, kept for its owner alone, and found again; nothing else is left in the folder")
    func kept() async throws {
        try await Self.withFolder { folder in
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 { group.addTask { try await DeviceIdentity.open(at: folder + "/device.json").id } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(ids.count == 1 && ids.first?.utf8.count == 64)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["device.json"])
            var status = stat()
            #expect(stat(folder + "/device.json", &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test(
        "a file that holds no key, or that others can read, is told and left alone",
        arguments: [("{}", 0o600), ("", 0o600), ("{\"privateKey\":\"AAAA\"}", 0o600), ("{}", 0o644)])
    func refused(text: String, mode: Int) async throws {
        try await Self.withFolder { folder in
            let path = folder + "/device.json"
            _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
            do {
                _ = try await DeviceIdentity.open(at: path)
                Issue.record("taken")
            } catch let error as GatewayError {
                #expect(error.code == .deviceKey && error.hint != nil)
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
    }
}
