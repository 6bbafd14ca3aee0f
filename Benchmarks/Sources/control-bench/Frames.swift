import GatewayProtocol
import WakeCore

/// Random and mutated frames through the codec and the server's machine, the same ones each time.
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
