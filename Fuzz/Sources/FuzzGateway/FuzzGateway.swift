import DiscordProtocol
import WakeCore

/// A gateway connection whose far side says anything at any time. Each line of the input is one thing that happens: its first byte
/// says what, the rest is what Discord sent.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var world = World()
    for line in UnsafeBufferPointer(start: start, count: count).split(
        separator: 0x0A, maxSplits: 200, omittingEmptySubsequences: true)
    {
        world.happen(line[line.startIndex], Array(line.dropFirst()))
    }
    return 0
}

struct World {
    var machine = GatewayMachine(configuration: GatewayConfiguration(trustedLoopback: ["127.0.0.1:4711"]))
    var now = Duration.seconds(1)
    var connection: GatewayConnectionID = 0
    var timers: [GatewayTimer: Duration] = [:]
    var lastSequence: Int64 = 0

    mutating func happen(_ what: UInt8, _ bytes: [UInt8]) {
        now += .milliseconds(Int(what))
        switch what {
        case UInt8(ascii: "S"): tell(.started(StoredGatewaySession(decoding: bytes)))
        case UInt8(ascii: "G"):
            tell(GatewayBot(parsing: bytes).map { .gatewayFetched($0) } ?? .gatewayFetchFailed(.unusable(reason: "no answer")))
        case UInt8(ascii: "U"): tell(.gatewayFetchFailed(.unauthorised))
        case UInt8(ascii: "R"): tell(.gatewayFetchFailed(.rateLimited(retryAfter: .seconds(bytes.count))))
        case UInt8(ascii: "C"): tell(.connected(connection))
        case UInt8(ascii: "F"): tell(.connectionFailed(connection, reason: String(decoding: bytes, as: UTF8.self)))
        case UInt8(ascii: "X"):
            tell(.closed(code: UInt16(String(decoding: bytes, as: UTF8.self)), on: connection))
        case UInt8(ascii: "T"):
            if let next = timers.min(by: { $0.value < $1.value }) {
                now = max(now, next.value)
                timers[next.key] = nil
                tell(.timerFired(next.key))
            }
        case UInt8(ascii: "D"): tell(.settled(through: lastSequence))
        case UInt8(ascii: "K"): tell(.tokenRejected)
        case UInt8(ascii: "A"): tell(.retryRequested)
        case UInt8(ascii: "Q"): tell(.stopRequested)
        default:
            do {
                tell(.frameReceived(try GatewayPayload(parsing: bytes), on: connection))
            } catch {
                tell(.frameUnreadable(reason: "\(error)", on: connection))
            }
        }
    }

    private mutating func tell(_ input: GatewayInput) {
        for directive in machine.handle(input, at: now, jitter: UnitFraction(0.5)) {
            switch directive {
            case .connect(let url, let id):
                // The token goes to Discord or to a loopback that was named, and nowhere else.
                guard let address = GatewayURL(url), address.isTrusted(loopback: ["127.0.0.1:4711"]) else {
                    fatalError("the token would go to \(url)")
                }
                connection = id
            case .armTimer(let timer, let at): timers[timer] = at
            case .cancelTimer(let timer): timers[timer] = nil
            case .dispatch(_, let sequence): lastSequence = sequence
            case .send(let command, let id):
                precondition(id == connection, "a frame for connection \(id), which is gone")
                precondition(!command.encoded(token: "t").isEmpty)
            default: break
            }
        }
    }
}
