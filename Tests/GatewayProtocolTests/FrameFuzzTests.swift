import GatewayProtocol
import Testing
import WakeCore

@Suite("Frames that nobody meant", .timeLimit(.minutes(5)))
struct FrameFuzzTests {
    /// SplitMix64 (this room knows no test rooms).
    private struct Random {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
        }
    }

    private static let seeds: [[UInt8]] =
        [
            ServerConnectionTests.connect.bytes, ServerConnectionTests.mismatch.bytes, ServerConnectionTests.ask("1").bytes,
            GatewayFrame.cancel(.text("1")).bytes, GatewayFrame.event(GatewayEvent("tick", payload: ["ts": 1], seq: 3)).bytes,
            GatewayFrame.response(GatewayResponse(id: .number(7), result: .failure(.restarting()))).bytes,
        ]
        + [
            #"{"type":"req","id":-9223372036854775808,"method":"m","params":{"a":[1e308,-0.0,"\ud83d\ude00",{"":{}}]}}"#,
            #"{"type":"req","id":"1","method":"m","params":[[[[[[[[1]]]]]]]]}"#, #"{"id":"é","type":"req","id":"2"}"#,
        ].map { Array($0.utf8) }
    private static let tokens = [
        "{", "}", "[", "]", "\"", ":", ",", "null", "1e999", "\\u0000", "\u{0}", "\"id\":", "\"type\":\"req\"", "-",
    ]
    .map { Array($0.utf8) }

    private static func mutated(_ random: inout Random) -> [UInt8] {
        var bytes = seeds[random.below(seeds.count)]
        for _ in 0..<random.below(5) {
            let place = random.below(bytes.count + 1)
            switch random.below(6) {
            case 0 where place < bytes.count: bytes[place] = UInt8(random.below(256))
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: tokens[random.below(tokens.count)], at: place)
            case 3: bytes.removeLast(random.below(bytes.count + 1))
            case 4: bytes.insert(contentsOf: seeds[random.below(seeds.count)], at: place)
            default: bytes.insert(contentsOf: [UInt8](repeating: bytes.first ?? 0x5B, count: random.below(200)), at: place)
            }
        }
        return bytes
    }

    @Test(
        "200,000 mutated frames: no trap, what is read is printed alike, and every connection ends with one close that has a reason"
    )
    func mutatedFrames() {
        var random = Random(state: 20_261_125)
        var (read, closes) = (0, 0)
        var machine = ServerConnection(nonce: "n", at: 17)
        for _ in 0..<200_000 {
            let bytes = Self.mutated(&random)
            if let frame = try? GatewayFrame(bytes) {
                read += 1
                #expect((try? GatewayFrame(frame.bytes)) == frame)
            }
            var directives = machine.received(bytes)
            switch random.below(40) {
            case 0: directives += machine.answered(.text("1"), .success(nil))
            case 1: directives += machine.published(GatewayEvent("x"))
            case 2: directives += machine.refused(GatewayFault(.forbidden, "x"), close: .unauthorized("x"))
            case 3: directives += machine.stopping(GatewayEvent("shutdown"))
            case 4: directives += machine.handshakeTimedOut()
            default: directives += machine.admitted(ServerConnectionTests.hello)
            }
            let ends = directives.indices.filter { if case .close = directives[$0] { true } else { false } }
            #expect(ends.count <= 1 && ends.allSatisfy { $0 == directives.endIndex - 1 }, "something follows the close")
            #expect((machine.state == .closed) == !ends.isEmpty)
            #expect(machine.underWay.count <= ServerConnection.maximumUnderWay)
            guard case .close(let close) = directives.last else { continue }
            closes += 1
            #expect(!close.reason.isEmpty && close.reason.utf8.count <= GatewayClose.reasonMaximumBytes && close.code >= 1002)
            #expect(machine.received(ServerConnectionTests.connect.bytes).isEmpty && machine.peerLeft().isEmpty)
            machine = ServerConnection(nonce: "n", at: 17)
        }
        // Both halves of the space were walked.
        #expect(read > 20_000 && closes > 20_000, "\(read) read, \(closes) closes")
    }
}
