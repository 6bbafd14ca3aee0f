// The control plane from within one process.
//
//   control-bench rpc SOCKET PORT TOKEN        round trips, beside a bare echo of as many bytes over TCP: the three take turns
//   control-bench calls SOCKET SECONDS RATE    so many calls a second, each over a connection of its own, while somebody restarts the daemon
//   control-bench frames COUNT                 random and mutated frames through the codec and the server's machine
import GatewayClient
import GatewayProtocol
import Glibc
import Synchronization
import WakeCore
import WakeService

let arguments = CommandLine.arguments
let moments = try SystemMoments(environment: [:])
let clock = ContinuousClock()

func microseconds(_ times: [Duration], _ part: Double) -> Int {
    guard !times.isEmpty else { return -1 }
    let time = times.sorted()[Int(Double(times.count - 1) * part)]
    return Int(Double(time.components.attoseconds) / 1e12 + Double(time.components.seconds) * 1e6)
}

/// A bare echo server on a thread, and a client of it.
final class Echo: @unchecked Sendable {
    private let descriptor: Int32
    private let count: Int

    init(count: Int) {
        self.count = count
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            precondition(bind(listener, pointer, length) == 0 && listen(listener, 1) == 0)
            precondition(getsockname(listener, pointer, &length) == 0)
            precondition(connect(descriptor, pointer, length) == 0)
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        let accepted = accept(listener, nil, nil)
        setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        var thread = pthread_t()
        let context = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        context.pointee = accepted
        pthread_create(
            &thread, nil,
            { pointer in
                let socket = pointer!.assumingMemoryBound(to: Int32.self).pointee
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while case let count = read(socket, &buffer, buffer.count), count > 0 { _ = write(socket, buffer, count) }
                return nil
            }, context)
    }

    func roundTrip() {
        var buffer = [UInt8](repeating: 0x78, count: count)
        _ = write(descriptor, buffer, count)
        var got = 0
        while got < count { got += read(descriptor, &buffer, count) }
    }
}

func rpc(socket: String, port: String, token: String) async throws {
    try await GatewayConnection.with(.unix(path: socket), .none, moments: moments) { unix in
        try await GatewayConnection.with(.web("ws://127.0.0.1:\(port)"), .token(token), moments: moments) { tcp in
            let size = try await tcp.call("wakes.list")?.text.utf8.count ?? 0
            let echo = Echo(count: size + 60)
            var times: [[Duration]] = [[], [], []]
            for round in 0..<4_200 {
                let one = try await clock.measure { _ = try await unix.call("wakes.list") }
                let two = try await clock.measure { _ = try await tcp.call("wakes.list") }
                let three = clock.measure { echo.roundTrip() }
                if round >= 200 { for (index, time) in [one, two, three].enumerated() { times[index].append(time) } }
            }
            let words = zip(["unix", "tcp", "echo"], times).map {
                "\"\($0)_p50\":\(microseconds($1, 0.5)),\"\($0)_p99\":\(microseconds($1, 0.99))"
            }
            print("{\(words.joined(separator: ",")),\"bytes\":\(size + 60)}")
        }
    }
}

func calls(socket: String, seconds: Int, rate: Int) async throws {
    let failures = Mutex<[String: Int]>([:])
    let waits = Mutex<[String: Int]>([:])
    let times = Mutex<[Duration]>([])
    let caller = GatewayCaller(.unix(path: socket), .none, moments: moments, dice: SystemDice())
    var options = GatewayCaller.Options()
    options.budgetMilliseconds = 30_000
    let start = moments.now().boottimeMicroseconds
    await withTaskGroup(of: Void.self) { [options] group in
        for number in 0..<(seconds * rate) {
            await moments.wait(untilBoottimeMicroseconds: start + Int64(number) * 1_000_000 / Int64(rate))
            group.addTask {
                do {
                    let time = try await clock.measure {
                        _ = try await caller.call("health", options: options) { reason in
                            waits.withLock { $0[reason, default: 0] += 1 }
                        }
                    }
                    times.withLock { $0.append(time) }
                } catch { failures.withLock { $0["\(error)", default: 0] += 1 } }
            }
        }
    }
    let all = times.withLock { $0 }
    let reasons: JSONValue = .object(JSONObject(waits.withLock { $0 }.map { .init(key: $0.key, value: .integer(Int64($0.value))) }))
    let faults: JSONValue = .object(JSONObject(failures.withLock { $0 }.map { .init(key: $0.key, value: .integer(Int64($0.value))) }))
    let took = Double(moments.now().boottimeMicroseconds - start) / 1e6
    print(
        "{\"calls\":\(all.count),\"seconds\":\(took),\"p50\":\(microseconds(all, 0.5)),\"p99\":\(microseconds(all, 0.99)),"
            + "\"max\":\(microseconds(all, 1)),\"waits\":\(reasons.text),\"failed\":\(faults.text)}")
}

func frames(_ count: Int) {
    var dice = Dice(high: 0x5EED, low: 0xF00D)
    func below(_ limit: Int) -> Int { Int(dice.fraction().value * Double(limit)) }
    let seeds = [
        #"{"type":"req","id":"1","method":"connect","params":{"minProtocol":3,"maxProtocol":4,"client":{"id":"cli","version":"1","platform":"linux","mode":"cli"},"auth":{"token":"t"}}}"#,
        #"{"type":"req","id":7,"method":"config.patch","params":{"raw":"{a: 1}","baseHash":"x","restartDelayMs":500}}"#,
        #"{"type":"res","id":"1","ok":false,"error":{"code":"UNAVAILABLE","message":"x","details":{"reason":"gateway-starting"},"retryAfterMs":5}}"#,
        #"{"type":"event","event":"tick","payload":{"ts":1},"seq":3}"#, #"{"type":"cancel","id":"1"}"#, "[]", "{}", "null",
    ].map { Array($0.utf8) }
    let structure = Array("{}[]\",:0123456789.eE+-\\u\u{0}tfn ".utf8)
    let hello = Hello(
        version: 4, serverVersion: "", connection: "", methods: [], events: [], snapshot: [:], role: "operator", scopes: [])
    var (accepted, refused, closed) = (0, 0, 0)
    var machine = ServerConnection(nonce: "n", at: 0)
    for _ in 0..<count {
        var bytes: [UInt8]
        if below(10) == 0 {
            bytes = (0..<below(80)).map { _ in UInt8(below(256)) }
        } else {
            bytes = seeds[below(seeds.count)]
            for _ in 0..<below(6) where !bytes.isEmpty {
                let at = below(bytes.count)
                switch below(4) {
                case 0: bytes[at] = structure[below(structure.count)]
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(structure[below(structure.count)], at: at)
                default: bytes.replaceSubrange(at..<min(bytes.count, at + below(20)), with: bytes.prefix(below(20)))
                }
            }
        }
        if (try? GatewayFrame(bytes)) == nil { refused += 1 } else { accepted += 1 }
        for directive in machine.received(bytes) {
            switch directive {
            case .verify: _ = machine.admitted(hello)
            case .perform(let request): _ = machine.answered(request.id, .success(nil))
            default: break
            }
        }
        if machine.state == .closed {
            closed += 1
            machine = ServerConnection(nonce: "n", at: 0)
        }
    }
    print("{\"frames\":\(count),\"accepted\":\(accepted),\"refused\":\(refused),\"connections_closed\":\(closed)}")
}

switch arguments.dropFirst().first {
case "rpc": try await rpc(socket: arguments[2], port: arguments[3], token: arguments[4])
case "calls": try await calls(socket: arguments[2], seconds: Int(arguments[3])!, rate: Int(arguments[4])!)
case "frames":
    let took = clock.measure { frames(Int(arguments[2])!) }
    print("{\"seconds\":\(Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)}")
default: exit(64)
}
