import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("wake, system-event, send and sentinel.*: once for a key, restarts included")
struct ControlPlaneCallTests {
    @Test("a wake and a system event come once for their key: the same answer in the next life, and one message")
    func onceAcrossRestarts() async throws {
        try await ControlStage.play { control in
            let wake: JSONValue = ["text": "a wake", "sessionKey": .string(Stage.session), "idempotencyKey": "k"]
            let event: JSONValue = ["text": "an event", "sessionKey": .string(Stage.session), "idempotencyKey": "k"]
            let sentinel: JSONValue = [
                "note": "a sentinel", "sessionKey": .string(Stage.session), "idempotencyKey": "k", "target": "nothing",
            ]
            let send: JSONValue = [
                "to": .string("channel:\(Stage.thread)"), "message": "by hand", "idempotencyKey": "k",
            ]
            let calls = [("wake", wake), ("system-event", event), ("sentinel.write", sentinel), ("send", send)]
            var answers: [JSONValue] = []
            let daemon = try await control.startReady()
            for (method, params) in calls {
                let answer = try await control.call(method, params)
                #expect(try await control.call(method, params) == answer, "\(method)")
                answers.append(answer)
            }
            #expect(Set(answers.prefix(3).compactMap { $0["sentinel"]?.string }).count == 3, "each method has keys of its own")
            try await control.stage.stop(daemon)
            let again = try await control.startReady()
            for ((method, params), answer) in zip(calls, answers) {
                #expect(try await control.call(method, params) == answer, "\(method), in the next life")
            }
            for _ in answers.prefix(3) { try await Self.settled(control) }
            for text in ["a wake", "an event", "a sentinel", "by hand"] { #expect(control.notes(text) == 1, "\(text)") }
            try await control.stage.stop(again)
        }
    }

    /// Waits until nothing is owed any more: what comes later would be one too many.
    private static func settled(_ control: ControlStage) async throws {
        try await control.connect { connection in
            _ = try await within("nothing to be owed") {
                // Each piece of news is a reason to look again.
                var news = connection.events.makeAsyncIterator()
                repeat {
                    let health = try await connection.call("health")
                    if health?["wakes"] == 0, health?["sentinels"] == 0 { return true }
                } while await news.next() != nil
                return nil
            }
        }
    }

    @Test("the same key with other params is a mismatch, and does nothing")
    func mismatch() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            _ = try await control.call("wake", ["text": "one", "sessionKey": .string(Stage.session), "idempotencyKey": "k"])
            try await daemon.saw("wakeEnded")
            let fault = try await control.refusal(
                "wake", ["text": "other", "sessionKey": .string(Stage.session), "idempotencyKey": "k"])
            #expect(fault.code == .invalidRequest && fault.details?["code"] == "IDEMPOTENCY_MISMATCH")
            #expect(try await control.call("sentinel.list", ["all": true])["sentinels"]?.array?.count == 1)
            try await control.stage.stop(daemon)
        }
    }

    @Test("the same key from twenty connections at once makes one")
    func crowd() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let params: JSONValue = ["to": .string("channel:\(Stage.thread)"), "message": "but once", "idempotencyKey": "k"]
            let answers = try await withThrowingTaskGroup(of: JSONValue.self) { group in
                for _ in 0..<20 { group.addTask { try await Self.insist(control, "send", params) } }
                return try await group.reduce(into: Set<JSONValue>()) { $0.insert($1) }
            }
            #expect(answers.count == 1)
            #expect(control.notes("but once") == 1)
            try await control.stage.stop(daemon)
        }
    }

    /// Calls until it is done: who is told that the same request is under way asks again.
    private static func insist(_ control: ControlStage, _ method: String, _ params: JSONValue) async throws -> JSONValue {
        try await control.connect { connection in
            while true {
                do {
                    return try await connection.call(method, params) ?? .null
                } catch let fault as GatewayFault {
                    guard fault.reason == "under-way", fault.isRetryable == true else { throw fault }
                }
            }
        }
    }

    @Test("send through a stopped channel is unavailable for now; later the same key makes exactly one message")
    func sendLater() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            _ = try await control.call("channels.stop", ["channel": "discord"])
            try await daemon.saw("channelChanged") { $0["reason"]?.contains("channels.start") == true }
            let params: JSONValue = ["to": .string("channel:\(Stage.thread)"), "message": "by hand", "idempotencyKey": "k"]
            let fault = try await control.refusal("send", params)
            #expect(fault.code == .unavailable && fault.isRetryable == true && fault.reason == "channel-down", "\(fault)")
            #expect(fault.retryAfterMilliseconds != nil)
            #expect(control.stage.messages().isEmpty)
            _ = try await control.call("channels.start", ["channel": "discord"])
            try await ControlStage.ready(daemon, times: 2)
            let sent = try await control.call("send", params)
            #expect(sent["channelId"]?.string?.contains("\(Stage.thread)") == true, "\(sent.text)")
            #expect(try await control.call("send", params) == sent)
            #expect(control.notes("by hand") == 1)
            try await control.stage.stop(daemon)
        }
    }

    @Test("send names everything that is wrong with it at once")
    func badSend() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let fault = try await control.refusal("send", ["message": 4, "mediaUrl": "x"])
            let paths = fault.details?["issues"]?.array?.compactMap { $0["path"]?.string } ?? []
            #expect(Set(paths) == ["to", "message", "mediaUrl", "idempotencyKey"], "\(fault)")
            let foreign = try await control.refusal(
                "send", ["to": "channel:1", "channel": "telegram", "message": "x", "idempotencyKey": "k"])
            #expect(foreign.code == .invalidRequest && foreign.message.contains("telegram"))
            try await control.stage.stop(daemon)
        }
    }

    @Test("a stopped channel's wakes are held, listed, cancelled and retried; started again it delivers what is left")
    func held() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let stopped = try await control.call("channels.stop", ["channel": "discord", "accountId": "default"])
            #expect(stopped["stopped"] == true)
            #expect(try await control.call("channels.stop", ["channel": "discord:default"])["stopped"] == false)
            try await daemon.saw("channelChanged") { $0["reason"]?.contains("channels.start") == true }
            let other = "agent:ops:discord:channel:\(Stage.channel)"
            _ = try await control.call("wake", ["text": "stays", "sessionKey": .string(Stage.session)])
            _ = try await control.call("wake", ["text": "goes", "sessionKey": .string(other)])
            try await ControlStage.saw(daemon, "deliveryHeld", times: 2)
            let wakes = try #require(try await control.call("wakes.list")["wakes"]?.array)
            #expect(wakes.count == 2)
            let mine = try #require(try await control.call("wakes.list", ["sessionKey": .string(other)])["wakes"]?.array)
            let id = try #require(mine.first?["id"]?.string)
            #expect(mine.count == 1)
            #expect(try await control.call("wakes.show", ["id": .string(String(id.prefix(8)))])["wake"]?["id"]?.string == id)
            #expect(try await control.call("wakes.cancel", ["id": .string(id)])["durable"] == true)
            try await daemon.saw("wakeEnded")
            let sessions = try #require(try await control.call("sessions.list", ["search": "infra"])["sessions"]?.array)
            #expect(sessions.compactMap { $0["key"]?.string } == [Stage.session])
            #expect(sessions.first?["openWakes"] == 1)
            let status = try await control.call("channels.status", ["channel": "discord"])
            let account = status["channelAccounts"]?["discord"]?.array?.first
            #expect(account?["running"] == false && account?["connected"] == false, "\(status.text)")
            #expect(try await control.call("health")["readiness"]?["channels"] == false)

            #expect(try await control.call("channels.start", ["channel": "discord"])["started"] == true)
            try await ControlStage.saw(daemon, "wakeEnded", times: 2)
            #expect(control.notes("stays") == 1)
            #expect(control.stage.messages(in: Stage.channel).isEmpty)
            let missing = try await control.refusal("wakes.retry", ["id": "zzzzzzzz"])
            #expect(missing.reason == "not-found" && missing.code == .invalidRequest)
            try await control.stage.stop(daemon)
        }
    }

    @Test("a sentinel is listed, shown and cancelled; a wake that is only held is not marked as delivered")
    func decided() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let written = try await control.call(
                "sentinel.write", ["note": "for a unit", "sessionKey": .string(Stage.session), "target": "unit:a.service"])
            let id = try #require(written["sentinel"])
            let open = try #require(try await control.call("sentinel.list")["sentinels"]?.array)
            #expect(open.compactMap { $0["id"] } == [id])
            #expect(try await control.call("sentinel.show", ["id": id])["sentinel"]?["note"] == "for a unit")
            #expect(try await control.call("sentinel.cancel", ["id": id])["durable"] == true)
            try await daemon.saw("sentinelCancelled")
            #expect(try await control.call("sentinel.list")["sentinels"] == [])

            _ = try await control.call("channels.stop", ["channel": "discord"])
            _ = try await control.call("wake", ["text": "seen elsewhere", "sessionKey": .string(Stage.session)])
            try await daemon.saw("deliveryHeld")
            let wake = try #require(try await control.call("wakes.list")["wakes"]?.array?.first?["id"])
            let early = try await control.refusal("wakes.markDelivered", ["id": wake])
            #expect(early.code == .invalidRequest && early.message.contains("notice held"), "never a pretended success")
            _ = try await control.call("channels.start", ["channel": "discord"])
            try await daemon.saw("wakeEnded")
            #expect(control.notes("seen elsewhere") == 1)
            for method in ["wakes.retry", "wakes.cancel"] {
                #expect(try await control.refusal(method, ["id": wake]).reason == "nothing-to-do", "it has arrived")
            }
            let exec = try await control.refusal(
                "sentinel.write", ["note": "x", "sessionKey": .string(Stage.session), "target": "exec"])
            #expect(exec.code == .invalidRequest)
            try await control.stage.stop(daemon)
        }
    }

    @Test("who listens hears of a change, of a channel and of a wake, in their order and each with its time")
    func news() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            try await control.connect { connection in
                _ = try await control.call("config.patch", try await control.patch("{ log: { level: 'debug' } }"))
                _ = try await control.call("channels.stop", ["channel": "discord"])
                _ = try await control.call("wake", ["text": "x", "sessionKey": .string(Stage.session)])
                _ = try await control.call("channels.start", ["channel": "discord"])
                var seen: [String] = []
                for await event in connection.events {
                    if event.name != "tick" { #expect(event.seq != nil, "\(event.name)") }
                    if event.name == "config.changed" {
                        #expect(event.payload?["changedPaths"] == ["log.level"])
                        let hash = try await control.hash()
                        #expect(event.payload?["hash"] == hash)
                    }
                    if event.name != "health" { #expect(event.payload?["ts"]?.integer != nil, "\(event.name)") }
                    if seen.last != event.name { seen.append(event.name) }
                    if event.name == "wake.ended" { break }
                }
                let firsts = ["config.changed", "channels.changed", "wake.opened", "wake.ended"].map { seen.firstIndex(of: $0) }
                #expect(firsts.allSatisfy { $0 != nil }, "\(seen)")
                #expect(firsts.compactMap { $0 } == firsts.compactMap { $0 }.sorted(), "\(seen)")
            }
            try await control.stage.stop(daemon)
        }
    }

    @Test("logs.tail goes on from its cursor, without a gap and without a line twice")
    func logs() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let first = try await control.call("logs.tail", ["limit": 5])
            var cursor = try #require(first["cursor"]?.integer)
            _ = try await control.call("wake", ["text": "for the log", "sessionKey": .string(Stage.session)])
            try await daemon.saw("wakeEnded")
            var lines: [String] = []
            while true {
                let tail = try await control.call("logs.tail", ["cursor": .integer(cursor), "limit": 2])
                let some = tail["lines"]?.array?.compactMap(\.string) ?? []
                cursor = try #require(tail["cursor"]?.integer)
                lines += some
                if tail["truncated"] == nil { break }
                #expect(some.count == 2)
            }
            let events = lines.compactMap { Line($0)["event"] }
            for event in ["wakeOpened", "deliverySending", "wakeEnded"] {
                #expect(events.count { $0 == event } == 1, "\(event) in \(events)")
            }
            let ahead = try await control.call("logs.tail", ["cursor": 1_000_000])
            #expect(ahead["reset"] == true, "the cursor of another life: \(ahead.text)")
            let fault = try await control.refusal("logs.tail", ["limit": 0, "maxBytes": 0, "cursor": -1])
            #expect(fault.details?["issues"]?.array?.count == 3)
            try await control.stage.stop(daemon)
        }
    }
}
