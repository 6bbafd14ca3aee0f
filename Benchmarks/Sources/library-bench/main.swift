// A durable sentinel by library call, with the ledger open, beside a bare append + fdatasync of as many bytes: the two take turns.
import Glibc
import LedgerSQLite
import WakeCore
import WakeService

let folder = CommandLine.arguments[1]
let rounds = 3_000
let moments = try SystemMoments(environment: [:])
let dice = SystemDice()
let client = try LedgerClient(at: folder + "/ledger", createIfMissing: true)
let key = try SessionKey("agent:infra:discord:channel:1000000000000000900")
let note = String(repeating: "n", count: 200)

func request() -> RestartRequest {
    var roll = dice.roll()
    return RestartRequest(
        id: roll.identifier(), session: key, note: note, delay: .seconds(2), requester: .init(uid: getuid(), pid: getpid()),
        requestedAt: moments.now())
}

let bare = open(folder + "/bare", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
// As many bytes as the row's body has.
let row = [UInt8](repeating: 0x78, count: 450)
let clock = ContinuousClock()
var ours: [Duration] = []
var floor: [Duration] = []
for round in 0..<(rounds + 200) {
    let wish = request()
    let one = try clock.measure { _ = try client.append(.request(wish)) }
    let other = clock.measure { if write(bare, row, row.count) != row.count || fdatasync(bare) != 0 { exit(74) } }
    // The first ones warm both up.
    if round >= 200 { (ours.append(one), floor.append(other)) }
}
client.close()

func microseconds(_ times: [Duration], _ part: Double) -> Double {
    let time = times.sorted()[Int(Double(times.count - 1) * part)]
    return Double(time.components.attoseconds) / 1e12 + Double(time.components.seconds) * 1e6
}
print(
    """
    {"ours_p50":\(microseconds(ours, 0.5)),"ours_p99":\(microseconds(ours, 0.99)),\
    "floor_p50":\(microseconds(floor, 0.5)),"floor_p99":\(microseconds(floor, 0.99)),"rounds":\(rounds)}
    """)
