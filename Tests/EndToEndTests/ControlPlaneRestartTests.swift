import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("Restarts by the control plane: every caller is woken once, and nobody is left without a word")
struct ControlPlaneRestartTests {
    private static let other = "agent:ops:discord:channel:\(Stage.channel)"

    @Test("a patch that needs a restart has its wake on disk before the answer, and it is delivered once in the next life")
    func withSession() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let instance = try await control.instance()
            let params = try await control.patch(
                "{ wake: { holdFor: '3d' } }",
                ["sessionKey": .string(Stage.session), "note": "go on with 2", "restartDelayMs": 200])
            let reply = try await control.call("config.patch", params)
            #expect(reply["needs"] == "daemon restart" && reply["restart"]?["delayMs"]?.integer == 200)
            let sentinel = try #require(reply["sentinel"]?["id"]?.string)
            #expect(reply["sentinel"]?["durable"] == true && reply["wake"]?["stored"] == true)
            #expect(try await control.stage.sentinel(sentinel)["note"] == "go on with 2", "another process reads it")
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            try await again.saw("wakeEnded")
            #expect(control.notes("go on with 2") == 1)
            #expect(try await control.instance() != instance)
            #expect(try await control.call("wakes.list", ["filter": "all"])["wakes"]?.array?.count == 1)
            let list = try await control.call("restarts.list")
            #expect(list["restarts"]?.array?.first?["sentinel"]?.string == sentinel)
            #expect(list["starts"]?.array?.count == 2)
            try await control.stage.stop(again)
        }
    }

    @Test("a patch that needs a restart and names no session restarts, and wakes nobody")
    func withoutSession() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let reply = try await control.call(
                "config.patch", try await control.patch("{ wake: { holdFor: '3d' } }", ["restartDelayMs": 0]))
            #expect(reply["restart"]?["scheduled"] == true && reply["sentinel"] == nil && reply["wake"]?["stored"] == false)
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            #expect(try await control.call("config.get")["parsed"]?["wake"]?["holdFor"] == "3d")
            #expect(try await control.call("wakes.list", ["filter": "all"])["wakes"] == [])
            #expect(control.stage.messages().isEmpty)
            try await control.stage.stop(again)
        }
    }

    @Test("two callers' patches make one restart, and both sessions are woken; the next restart waits for the cool-down")
    func coalesced() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let first = try await control.call(
                "config.patch",
                try await control.patch(
                    "{ wake: { holdFor: '3d' } }",
                    ["sessionKey": .string(Stage.session), "note": "the first", "restartDelayMs": 1_500]))
            #expect(first["restart"]?["coalesced"] == false)
            let second = try await control.call(
                "config.patch",
                try await control.patch(
                    "{ restart: { maxLate: '6min' } }",
                    ["sessionKey": .string(Self.other), "note": "the second", "restartDelayMs": 5_000]))
            #expect(second["restart"]?["coalesced"] == true)
            #expect(try #require(second["restart"]?["delayMs"]?.integer) <= 1_500)
            let third = try await control.call("gateway.restart.request", ["reason": "me too"])
            #expect(third["status"] == "coalesced")
            #expect(try await daemon.ended() == .clean)

            let again = try await control.startReady()
            try await ControlStage.saw(again, "wakeEnded", times: 2)
            #expect(control.notes("the first") == 1)
            #expect(control.notes("the second", in: Stage.channel) == 1)
            let cooled = try await control.call(
                "config.patch",
                try await control.patch("{ restart: { maxLate: null } }", ["restartDelayMs": 100, "dryRun": true]))
            let applied = try #require(cooled["restart"]?["cooldownMsApplied"]?.integer)
            #expect((1...30_000).contains(applied), "\(cooled.text)")
            #expect(cooled["restart"]?["delayMs"]?.integer == applied + 100)
            try await control.stage.stop(again)
        }
    }

    @Test("of ten callers at once each is woken once after the one restart")
    func crowd() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        let params: JSONValue = [
                            "sessionKey": .string("agent:a\(number):discord:channel:\(Stage.thread)"),
                            "note": .string("for number \(number)."), "restartDelayMs": .integer(Int64(400 + number % 3)),
                        ]
                        let reply = try await control.connect { try await $0.call("gateway.restart.request", params) }
                        #expect(reply?["sentinel"]?["durable"] == true, "\(reply as Any)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            try await ControlStage.saw(again, "wakeEnded", times: 10)
            for number in 0..<10 { #expect(control.notes("for number \(number).") == 1, "\(number)") }
            #expect(try await control.call("restarts.list")["starts"]?.array?.count == 2)
            try await control.stage.stop(again)
        }
    }

    @Test("gateway.restart.request happens once for its key, in this life and in the next one")
    func request() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let params: JSONValue = [
                "reason": "new version", "sessionKey": .string(Stage.session), "note": "the new version runs",
                "restartDelayMs": 800, "idempotencyKey": "k1",
            ]
            let reply = try await control.call("gateway.restart.request", params)
            #expect(reply["status"] == "scheduled" && reply["sentinel"]?["durable"] == true)
            #expect(try await control.call("gateway.restart.request", params) == reply)
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            try await again.saw("wakeEnded")
            #expect(try await control.call("gateway.restart.request", params) == reply, "and this one restarts nothing")
            #expect(try await control.call("status")["restartPendingInMs"] == nil)
            #expect(control.notes("the new version runs") == 1)
            try await control.stage.stop(again)
        }
    }

    @Test("gateway.restart.request without a session restarts after its delay, and the next life knows why")
    func bareRequest() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let reply = try await control.call("gateway.restart.request", ["reason": "new version", "restartDelayMs": 0])
            #expect(reply["status"] == "scheduled" && reply["sentinel"] == nil)
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            let starts = try await control.call("restarts.list")["starts"]?.array ?? []
            let earlier = starts.first { $0["endedAt"] != nil }
            #expect(earlier?["end"] == "planned" && earlier?["reason"] == "new version", "\(starts)")
            try await control.stage.stop(again)
        }
    }

    @Test("killed between the answer and the restart, the patch is in force and its wake comes once all the same")
    func killed() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let params = try await control.patch(
                "{ wake: { holdFor: '3d' } }",
                ["sessionKey": .string(Stage.session), "note": "go on with 5", "restartDelayMs": 600_000])
            let reply = try await control.call("config.patch", params)
            #expect(reply["restart"]?["delayMs"]?.integer == 600_000)
            #expect(try #require(try await control.call("status")["restartPendingInMs"]?.integer) > 590_000)
            daemon.signal(SIGKILL)
            #expect(try await daemon.ended() == .killed)
            let again = try await control.startReady()
            try await again.saw("wakeEnded")
            #expect(control.notes("go on with 5") == 1)
            #expect(try await control.call("config.get")["parsed"]?["wake"]?["holdFor"] == "3d")
            #expect(try await control.call("status")["waitsForRestart"] == nil)
            try await control.stage.stop(again)
        }
    }

    @Test("config.revert of a key that needs a restart restarts, and wakes who asked")
    func revert() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let whole = try #require(try await control.call("config.get")["parsed"]?.object)
            var more = whole
            more["wake"] = ["holdFor": "3d"]
            _ = try await control.call("config.set", try await control.patch(JSONValue.object(more).text))
            let reply = try await control.call(
                "config.revert",
                [
                    "number": 1, "sessionKey": .string(Stage.session), "note": "go on with the old one", "restartDelayMs": 0,
                ])
            #expect(reply["changedPaths"] == ["wake.holdFor"] && reply["wake"]?["stored"] == true, "\(reply.text)")
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            try await again.saw("wakeEnded")
            #expect(control.notes("go on with the old one") == 1)
            #expect(try await control.call("config.get")["parsed"]?.object == whole)
            try await control.stage.stop(again)
        }
    }

    @Test("who joins a restart that is then taken back gets theirs all the same")
    func takenBack() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let first = try await control.call(
                "gateway.restart.request", ["sessionKey": .string(Stage.session), "restartDelayMs": 1_000])
            let second = try await control.call("gateway.restart.request", ["restartDelayMs": 60_000])
            #expect(second["status"] == "coalesced")
            let sentinel = try #require(first["sentinel"]?["id"])
            _ = try await control.call("sentinel.cancel", ["id": sentinel])
            #expect(try await daemon.ended() == .clean)
            let again = try await control.startReady()
            #expect(try await control.call("sentinel.show", ["id": sentinel])["sentinel"]?["state"] == "cancelled")
            #expect(control.stage.messages().isEmpty)
            try await control.stage.stop(again)
        }
    }

    @Test("while it stops, a request is told UNAVAILABLE or a close 1012: never a bare end")
    func whileStopping() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let calls = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 { group.addTask { try await Self.callUntilTheEnd(control) } }
                try await someMoment(milliseconds: 150)
                _ = try await control.call("gateway.restart.request", ["restartDelayMs": 0])
                return try await group.reduce(0, +)
            }
            #expect(calls > 0)
            #expect(try await daemon.ended() == .clean)
        }
    }

    /// Calls one after another; returns how many were answered.
    private static func callUntilTheEnd(_ control: ControlStage) async throws -> Int {
        try await control.connect { connection in
            var count = 0
            while true {
                do {
                    _ = try await connection.call("status")
                    count += 1
                } catch let fault as GatewayFault {
                    #expect(fault.code == .unavailable && fault.reason == GatewayFault.gatewayRestarting, "\(fault)")
                    #expect(fault.isRetryable == true)
                } catch let closed as GatewayClosed {
                    #expect(closed.close.code == 1012 && closed.close.reason == "service restart", "\(closed)")
                    return count
                }
            }
        }
    }

    @Test("a stop that is no restart says so: shutdown without restartExpectedMs")
    func stopped() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            try await control.connect { connection in
                daemon.signal(SIGTERM)
                for await _ in connection.events {}
                let payload = try #require(connection.shutdown?.payload)
                #expect(payload["restartExpectedMs"] == nil && payload["reason"] != nil, "\(payload.text)")
                #expect(connection.closed?.code == 1012)
            }
            #expect(try await daemon.ended() == .clean)
        }
    }
}
