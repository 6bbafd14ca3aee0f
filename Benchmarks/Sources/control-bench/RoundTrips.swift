import GatewayClient
import GatewayProtocol
import WakeCore
import WakeService

/// Round trips over both ways, each beside the bare server over the same way and by the same client; and a TCP echo of as many bytes.
func rpc(socket: String, port: String, token: String) async throws {
    let moments = try systemMoments()
    let payload = try await GatewayConnection.with(.unix(path: socket), .none, moments: moments) { try await $0.call("health") }
    let list = JSONValue.object(["filter": "live", "limit": 5])
    let bare = try await BareServer.start(path: socket + ".bare", payload: payload)
    let size = (payload?.text.utf8.count ?? 0) + 60
    var times: [String: [Duration]] = [:]
    for (way, ours, theirs) in [
        ("unix", GatewayAddress.unix(path: socket), GatewayAddress.unix(path: socket + ".bare")),
        ("tcp", .web("ws://127.0.0.1:\(port)"), .web("ws://127.0.0.1:\(bare.port)")),
    ] {
        let credentials: GatewayCredentials = way == "tcp" ? .token(token) : .none
        let found = try await GatewayConnection.with(ours, credentials, moments: moments) { ours in
            try await GatewayConnection.with(theirs, .none, moments: moments) { theirs in
                let echo = Echo(count: size)
                var times: [String: [Duration]] = [:]
                for round in 0..<4_200 {
                    let health = try await clock.measure { _ = try await ours.call("health") }
                    let answer = try await clock.measure { _ = try await theirs.call("health") }
                    let wakes = try await clock.measure { _ = try await ours.call("wakes.list", list) }
                    let floor = clock.measure { echo.roundTrip() }
                    // The first ones warm all of them up.
                    guard round >= 200 else { continue }
                    for (name, time) in [("health", health), ("bare", answer), ("wakes", wakes), ("echo", floor)] {
                        times[name, default: []].append(time)
                    }
                }
                return times
            }
        }
        for (name, list) in found { times["\(way)_\(name)"] = list }
    }
    await bare.close()
    let words = times.sorted { $0.key < $1.key }.map {
        "\"\($0.key)_p50\":\(microseconds($0.value, 0.5)),\"\($0.key)_p99\":\(microseconds($0.value, 0.99))"
    }
    print("{\(words.joined(separator: ",")),\"bytes\":\(size)}")
}
