import GatewayClient
import GatewayProtocol
import Synchronization
import WakeCore
import WakeService

/// What became of many calls.
private final class Tally: Sendable {
    struct Counts {
        var times: [Duration] = []
        var waits: [String: Int] = [:]
        var failures: [String: Int] = [:]
    }

    let counts = Mutex(Counts())

    func json(_ words: [String: Int]) -> JSONValue {
        .object(JSONObject(words.map { .init(key: $0.key, value: .integer(Int64($0.value))) }))
    }

    func call(_ caller: GatewayCaller, _ options: GatewayCaller.Options) async {
        do {
            let start = clock.now
            _ = try await caller.call("health", options: options) { reason in
                self.counts.withLock { $0.waits[reason, default: 0] += 1 }
            }
            counts.withLock { $0.times.append(clock.now - start) }
        } catch {
            counts.withLock { $0.failures["\(error)", default: 0] += 1 }
        }
    }
}

/// So many calls a second, each over a connection of its own and each at its time, whatever became of those before.
func calls(socket: String, seconds: Int, rate: Int) async throws {
    let moments = try systemMoments()
    let tally = Tally()
    let caller = GatewayCaller(.unix(path: socket), .none, moments: moments, dice: SystemDice())
    var options = GatewayCaller.Options()
    options.budgetMilliseconds = 30_000
    let start = moments.now().boottimeMicroseconds
    await withDiscardingTaskGroup { [options] group in
        for number in 0..<(seconds * rate) {
            await moments.wait(untilBoottimeMicroseconds: start + Int64(number) * 1_000_000 / Int64(rate))
            group.addTask { await tally.call(caller, options) }
        }
    }
    let took = Double(moments.now().boottimeMicroseconds - start) / 1e6
    let found = tally.counts.withLock { $0 }
    print(
        "{\"calls\":\(found.times.count),\"seconds\":\(took),\"p50\":\(microseconds(found.times, 0.5)),"
            + "\"p99\":\(microseconds(found.times, 0.99)),\"max\":\(microseconds(found.times, 1)),"
            + "\"waits\":\(tally.json(found.waits).text),\"failed\":\(tally.json(found.failures).text)}")
}
