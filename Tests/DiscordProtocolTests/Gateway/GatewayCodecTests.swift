import DiscordProtocol
import Testing
import WakeCore

@Suite("Gateway frames and addresses")
struct GatewayCodecTests {
    @Test("a frame is read with what is needed, and unknown members are ignored")
    func reads() throws {
        let payload = try GatewayPayload(parsing: Array(#"{"t":"READY","s":3,"op":0,"d":{"v":10},"x":[]}"#.utf8))
        #expect(payload == GatewayPayload(opcode: 0, data: ["v": 10], sequence: 3, type: "READY"))
        #expect(try GatewayPayload(parsing: Array(#"{"op":7}"#.utf8)) == GatewayPayload(opcode: 7))
    }

    @Test("garbage is refused with what is wrong and never traps")
    func refuses() {
        for text in ["", "{", "[]", "{}", "{\"op\":\"1\"}", "{\"op\":1.5}", "nul", "{\"op\":1}x", "\u{FEFF}{}"] {
            #expect(throws: GatewayPayloadError.self, "\(text)") { try GatewayPayload(parsing: Array(text.utf8)) }
        }
        #expect(throws: GatewayPayloadError.tooLong(bytes: 5 << 20)) {
            try GatewayPayload(parsing: [UInt8](repeating: 0x20, count: 5 << 20))
        }
        let deep = String(repeating: "[", count: 10_000)
        #expect(throws: GatewayPayloadError.self) { try GatewayPayload(parsing: Array(deep.utf8)) }
    }

    @Test("any bytes at all are read or refused, and the machine takes what was read")
    func anyBytes() {
        var random = SplitMix(seed: 7)
        let seeds = [
            #"{"op":10,"d":{"heartbeat_interval":41250}}"#,
            #"{"op":0,"s":1,"t":"READY","d":{"session_id":"a","user":{"id":1},"guilds":[{"id":"x"}]}}"#,
            #"{"op":0,"s":9223372036854775807,"t":"MESSAGE_CREATE","d":{"id":-1,"author":{}}}"#,
            #"{"op":9,"d":null}"#,
        ]
        for round in 0..<4000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<Int(random.next() % 6) {
                let at = Int(random.next() % UInt64(bytes.count))
                bytes[at] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let payload = try? GatewayPayload(parsing: bytes) else { continue }
            var rig = GatewayRig.live()
            rig.frame(payload)
            rig.expectConnectIfAny(rig.feed(.closed(code: nil, on: rig.connection)))
        }
    }

    @Test("commands stay under 4,096 bytes and look as Discord wants them")
    func commands() {
        let identify = GatewayCommand.identify(intents: .needed).encoded(token: String(repeating: "t", count: 100))
        #expect(identify.count < GatewayCommand.maximumBytes)
        let text = String(decoding: identify, as: UTF8.self)
        #expect(text.hasPrefix(#"{"op":2,"d":{"token":"ttt"#))
        #expect(text.contains(#""intents":4609"#))
        #expect(GatewayCommand.heartbeat(sequence: nil).encoded(token: "t") == Array(#"{"op":1,"d":null}"#.utf8))
        #expect(
            GatewayCommand.resume(sessionID: "s", sequence: 5).encoded(token: "t")
                == Array(#"{"op":6,"d":{"token":"t","session_id":"s","seq":5}}"#.utf8))
    }

    @Test("addresses are trusted exactly as the rule says")
    func trust() {
        let trusted: [(String, Bool)] = [
            ("wss://gateway.discord.gg", true), ("wss://gateway-us-east1-b.discord.gg/", true),
            ("wss://gateway.discord.gg:443", true),
            ("WSS://GATEWAY.DISCORD.GG/?x=1", true), ("wss://discord.gg", false), ("wss://gateway.discord.gg:444", false),
            ("ws://gateway.discord.gg", false), ("wss://gateway.discord.gg@evil.example", false), ("wss://evildiscord.gg", false),
            ("wss://evil.example/.discord.gg", false), ("wss://evil.example?.discord.gg", false),
            ("wss://evil.example#.discord.gg", false),
            ("wss://evil.example\\.discord.gg", false), ("ws://127.0.0.1:9000", true), ("ws://127.0.0.1:9001", false),
            ("ws://localhost:9000", false), ("http://127.0.0.1:9000", false), ("wss://", false), ("", false),
            ("wss://.discord.gg", false), ("wss://a b.discord.gg", false), ("ws://127.0.0.1:+9000", false),
        ]
        for (text, expected) in trusted {
            #expect((GatewayURL(text)?.isTrusted(loopback: ["127.0.0.1:9000"]) ?? false) == expected, "\(text)")
        }
    }

    @Test("GET /gateway/bot is read, and anything else is none")
    func gatewayBot() {
        let good =
            #"{"url":"wss://gateway.discord.gg/","shards":1,"session_start_limit":"#
            + #"{"total":1000,"remaining":999,"reset_after":14400000,"max_concurrency":1}}"#
        #expect(GatewayBot(parsing: Array(good.utf8)) == GatewayBot(url: "wss://gateway.discord.gg/", remaining: 999))
        for bad in ["", "<html>", "{}", #"{"url":"x"}"#, #"{"url":"x","session_start_limit":{"total":"1"}}"#] {
            #expect(GatewayBot(parsing: Array(bad.utf8)) == nil)
        }
    }

    @Test("snowflakes carry their time, and only digits are ids")
    func snowflakes() {
        #expect(Snowflake("175928847299117063")?.unixMilliseconds == 1_462_015_105_796)
        #expect(Snowflake(earliestAtUnixMilliseconds: 1_462_015_105_796).unixMilliseconds == 1_462_015_105_796)
        #expect(Snowflake(earliestAtUnixMilliseconds: .min).rawValue == 0)
        for bad in ["", "-1", "+1", "1 ", "99999999999999999999", "1e3", "１"] { #expect(Snowflake(bad) == nil) }
    }
}

/// Chance with a seed, so that a failure repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension GatewayRig {
    mutating func expectConnectIfAny(_ directives: [GatewayDirective]) {
        for case .connect(_, let id) in directives { connection = id }
    }
}
