import ControlServer
import GatewayProtocol
import NIOCore
import NIOHTTP1
import NIOPosix
import NetSupport
import Testing
import WakeCore
import WakeService
import WakeTesting

@Suite("The control sockets: what misbehaves is closed, with a reason", .serialized, .timeLimit(.minutes(2)))
struct MisbehaviourTests {
    /// Raw bytes after the handshake, before and after hello, and the close that they get.
    private static let faults: [(String, [UInt8], Wire.Close)] = [
        ("binary", Wire.frame(0x82, [1]), .init(code: 1003, reason: "frames must be text")),
        ("no UTF-8", Wire.frame(0x81, [0xFF]), .init(code: 1007, reason: "frames must be UTF-8")),
        ("no JSON", Wire.frame(0x81, [0x5B, 0x5D]), .init(code: 1008, reason: "invalid frame: the frame is no JSON object")),
        (
            "over the limit", Wire.frame(0x81, [], length: 26 << 20),
            .init(code: 1009, reason: "a message is over the limit of 26214400 bytes")
        ),
        (
            "2^63 bytes", Wire.frame(0x81, [], length: Int.max),
            .init(code: 1009, reason: "a message is over the limit of 26214400 bytes")
        ),
        (
            "a ping of 126 bytes", Wire.frame(0x89, [UInt8](repeating: 0, count: 126)),
            .init(code: 1002, reason: "a frame breaks the protocol")
        ),
        ("a ping in fragments", Wire.frame(0x09, []), .init(code: 1002, reason: "a frame breaks the protocol")),
        ("a continuation of nothing", Wire.frame(0x80, []), .init(code: 1002, reason: "a frame breaks the protocol")),
        (
            "a message in a message", Wire.frame(0x01, [1]) + Wire.frame(0x81, [1]),
            .init(code: 1002, reason: "a frame breaks the protocol")
        ),
        ("an unknown opcode", Wire.frame(0x83, []), .init(code: 1002, reason: "a frame breaks the protocol")),
        ("a reserved bit", Wire.frame(0xC1, [1]), .init(code: 1002, reason: "a frame breaks the protocol")),
        ("no mask", Wire.frame(0x81, [1], isMasked: false), .init(code: 1002, reason: "a frame breaks the protocol")),
        (
            "1,100 fragments", Wire.frame(0x01, [1]) + (0..<1_100).flatMap { _ in Wire.frame(0x00, [1]) },
            .init(code: 1009, reason: "a message is in more than 1024 fragments")
        ),
    ]

    @Test(
        "a frame that may not be is answered with one close that has code and reason, and nothing after it",
        arguments: faults.indices)
    func frames(_ index: Int) async throws {
        let (name, bytes, expected) = Self.faults[index]
        try await ControlRig.run { rig in
            for isIn in [false, true] {
                let wire = try await isIn ? rig.client() : Wire.webSocket(port: rig.port)
                // What follows the fault is not heard: no answer comes after the close.
                try await wire.send(raw: bytes + Wire.frame(0x81, Array(#"{"type":"req","id":"z","method":"echo"}"#.utf8)))
                let close = await wire.close()
                #expect(close == expected, "\(name), \(isIn ? "in" : "out")")
                await wire.answerClose()
                let rest = await wire.rest()
                #expect(rest.isEmpty, "\(name), \(isIn ? "in" : "out")")
            }
            #expect(rig.desk.callers.isEmpty)
            // Everybody else is served.
            let other = try await rig.client()
            try await other.call("1", "echo")
            #expect(await other.answer(to: "1")?["ok"]?.bool == true)
        }
    }

    @Test("64 KiB are all that is taken before hello, in one frame, in fragments, or in pings", arguments: [0, 1, 2, 3])
    func beforeHello(_ how: Int) async throws {
        try await ControlRig.run { rig in
            let wire = try await Wire.webSocket(port: rig.port)
            let kilobyte = [UInt8](repeating: 0x20, count: 1_024)
            let bytes =
                switch how {
                case 0: Wire.frame(0x81, [UInt8](repeating: 0x20, count: 65_537))
                case 1: Wire.frame(0x01, kilobyte) + (0..<80).flatMap { _ in Wire.frame(0x00, kilobyte) }
                case 2: Wire.frame(0x81, [UInt8](repeating: 0x20, count: 100_000), length: 20 << 20)
                default: (0..<1_000).flatMap { _ in Wire.frame(0x89, Array(kilobyte.prefix(100))) }
                }
            try await wire.send(raw: bytes)
            let close = try #require(await wire.close())
            #expect(close.code == 1009 && close.reason.hasPrefix("a frame is over the limit of 6"), "\(close)")
        }
    }

    @Test("after hello a frame of megabytes is taken; so is one that comes in fragments")
    func afterHello() async throws {
        try await ControlRig.run { rig in
            let wire = try await rig.client()
            let long = String(repeating: "x", count: 2 << 20)
            try await wire.call("1", "echo", #"{"a":"\#(long)"}"#)
            #expect(await wire.answer(to: "1")?["payload"]?["a"]?.string == long)
            try await wire.send(raw: Wire.frame(0x01, Array(#"{"type":"req","id":"2","#.utf8)))
            try await wire.send(raw: Wire.frame(0x80, Array(#""method":"echo"}"#.utf8)))
            #expect(await wire.answer(to: "2")?["ok"]?.bool == true)
        }
    }

    @Test("who has not connected after 15 s is closed with 1008, and so is who sends half a frame; who has connected is not")
    func handshakeTimeout() async throws {
        let moments = ManualMoments()
        try await ControlRig.run(moments: moments) { rig in
            let good = try await rig.client()
            let silent = try await Wire.webSocket(port: rig.port)
            let half = try await Wire.webSocket(port: rig.port)
            // Both are known once they were challenged, and then their timeouts run or are about to.
            for wire in [silent, half] { #expect(await wire.json()?["event"]?.string == "connect.challenge") }
            try await half.send(raw: [0x81, 0xFE])
            let due = moments.now().boottimeMicroseconds + 15_000_000
            // The tick's, and those of three connections.
            while moments.deadlines.filter({ $0 == due }).count < 4 { await Task.yield() }
            moments.advance(by: .seconds(14))
            moments.advance(by: .seconds(1))
            for wire in [silent, half] {
                #expect(await wire.close() == Wire.Close(code: 1008, reason: "handshake timeout"))
            }
            try await good.call("1", "echo")
            #expect(await good.answer(to: "1")?["ok"]?.bool == true)
        }
    }

    @Test("a client that reads nothing is closed with 1008 once 16 MiB wait for it; others hear on")
    func slowConsumer() async throws {
        try await ControlRig.run { rig in
            let slow = try await rig.client()
            let good = try await rig.client()
            try await slow.reads(false)
            let news = GatewayEvent("news", payload: .string(String(repeating: "n", count: 1 << 20)))
            for number in 1...64 {
                rig.server.publish(news)
                guard case .frame(0x1, let bytes) = await good.next() else {
                    Issue.record("no news \(number)")
                    return
                }
                #expect(bytes.count > 1 << 20)
            }
            try await slow.reads(true)
            var bytes = 0
            var reason = ""
            while let item = await slow.next() {
                guard case .frame(let opcode, let payload) = item else { continue }
                if opcode == 0x1 {
                    bytes += payload.count
                } else {
                    reason = String(decoding: payload.dropFirst(2), as: UTF8.self)
                }
            }
            #expect(reason == "slow consumer")
            // What the kernel holds comes on top.
            #expect(bytes < 40 << 20, "\(bytes)")
        }
    }

    @Test("a client that has taken nothing between two ticks is closed, however little waits")
    func stuckConsumer() async throws {
        let moments = ManualMoments()
        try await ControlRig.run(moments: moments) { rig in
            let stuck = try await rig.client()
            let good = try await rig.client()
            try await stuck.reads(false)
            let news = GatewayEvent("news", payload: .string(String(repeating: "n", count: 1 << 20)))
            for _ in 0..<15 {
                rig.server.publish(news)
                _ = await good.next()
            }
            for _ in 0..<4 {
                await moments.waitUntilArmed(atBoottimeMicroseconds: moments.now().boottimeMicroseconds + 15_000_000)
                moments.advance(by: .seconds(15))
                #expect(await good.json()?["event"]?.string == "tick")
                // Its next request is read after the server knows that the tick was taken.
                try await good.call("1", "echo")
                #expect(await good.answer(to: "1") != nil)
            }
            try await stuck.reads(true)
            #expect(await stuck.close() == Wire.Close(code: 1008, reason: "slow consumer"))
        }
    }

    @Test("news may be published on the connection's own event loop")
    func publishedOnTheLoop() async throws {
        try await ControlRig.run { rig in
            let wire = try await rig.client()
            var loops = 0
            for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
                try await loop.submit { rig.server.publish(GatewayEvent("news")) }.get()
                loops += 1
            }
            for number in 1...loops { #expect(await wire.json()?["seq"]?.integer == Int64(number)) }
        }
    }

    @Test("1,000 connections that say nothing or half of something keep nobody waiting")
    func halfOpen() async throws {
        try await ControlRig.run { rig in
            let begins: [[UInt8]] = [
                [], Array("GET / HT".utf8), Wire.upgrade(), Wire.upgrade() + [0x81, 0xFE],
                Wire.upgrade() + Wire.frame(0x01, [0x7B]),
            ]
            let wires = try await withThrowingTaskGroup(of: Wire.self) { group in
                for number in 0..<1_000 {
                    group.addTask {
                        let wire = try await Wire.connect(port: rig.port)
                        try await wire.send(raw: begins[number % begins.count])
                        return wire
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let start = ContinuousClock.now
            let good = try await rig.client()
            try await good.call("1", "echo")
            #expect(await good.answer(to: "1")?["ok"]?.bool == true)
            #expect(ContinuousClock.now - start < .seconds(2))
            for wire in wires { wire.drop() }
        }
    }

    @Test("a request that its caller gives up is cancelled, and one whose caller goes")
    func cancels() async throws {
        try await ControlRig.run { rig in
            let wire = try await rig.client()
            try await wire.call("1", "wait")
            try await wire.send(#"{"type":"cancel","id":"1"}"#)
            #expect(await wire.answer(to: "1")?["payload"]?["cancelled"]?.bool == true)
            await rig.desk.waitUntilBegun()
            try await wire.call("2", "wait")
            await rig.desk.waitUntilBegun()
            // The rig ends only when the call does.
            wire.drop()
        }
    }

    @Test("a goodbye is answered with one close, and the connection ends")
    func goodbye() async throws {
        try await ControlRig.run { rig in
            let wire = try await rig.client()
            await wire.answerClose()
            #expect(await wire.close() == Wire.Close(code: 1000, reason: "goodbye"))
            #expect(await wire.rest().isEmpty)
        }
    }

    @Test("a client too many is told 1013, and one who leaves makes room")
    func tooMany() async throws {
        try await ControlRig.run(clients: 2) { rig in
            let wires = try await [rig.client(), rig.client()]
            let third = try await Wire.webSocket(port: rig.port)
            #expect(await third.close() == Wire.Close(code: 1013, reason: "too many connections"))
            await third.answerClose()
            _ = await third.rest()
            await wires[0].answerClose()
            _ = await wires[0].rest()
            // The server's own end of it may come a moment later.
            while try await Wire.webSocket(port: rig.port).hello()?["ok"]?.bool != true {}
            try await wires[1].call("1", "echo")
            #expect(await wires[1].answer(to: "1")?["ok"]?.bool == true)
        }
    }

    private struct Hello: WebServerHandler {
        func accepts(handshake: HTTPRequestHead) -> Bool { false }
        func reply(to request: WebServerRequest) async -> WebServerReply { .response(WebServerResponse(status: .ok)) }
        func serve(_ socket: WebServerSocket, messages: WebServerMessages) async {}
    }

    @Test("who asks by HTTP and does not come to an end is told 408 in time, and so is who has asked once and asks no more")
    func requestTimeout() async throws {
        let server = WebServer(configuration: .init(requestTimeout: .milliseconds(200)))
        let (ports, told) = AsyncStream.makeStream(of: Int.self)
        let running = Task { try await server.run(Hello()) { told.yield($0) } }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        for (text, answers) in [("", ["408"]), ("GET / HT", ["408"]), ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", ["200", "408"])] {
            let wire = try await Wire.connect(port: port)
            if !text.isEmpty { try await wire.send(raw: Array(text.utf8)) }
            let heard = await wire.http()
            #expect(heard.matches(of: #/HTTP\/1\.1 ([0-9]+)/#).map { String($0.1) } == answers, "\(heard)")
        }
        running.cancel()
        _ = await running.result
    }
}
