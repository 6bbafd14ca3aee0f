import GatewayProtocol
import Testing
import WakeCore

@Suite("cron.…", .timeLimit(.minutes(3)))
struct ControlPlaneCronTests {
    private static func job(_ schedule: JSONValue, key: String) -> JSONValue {
        [
            "name": "disks", "schedule": schedule, "sessionTarget": .string("session:\(Stage.session)"), "wakeMode": "now",
            "payload": ["kind": "agentTurn", "message": "check the disks"], "delivery": ["mode": "announce"],
            "idempotencyKey": .string(key),
        ]
    }

    @Test("a job is added once for its key, listed, run by hand, and taken back; all of it is told as news")
    func life() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let every: JSONValue = ["kind": "every", "everyMs": 3_600_000]
            let added = try await control.call("cron.add", Self.job(every, key: "k"))
            #expect(added["schedule"]?["everyMs"] == 3_600_000 && added["enabled"] == true)
            let id = try #require(added["id"]?.string)
            #expect(try await control.call("cron.add", Self.job(every, key: "k"))["id"]?.string == id)
            try await daemon.saw("jobAdded")
            let list = try await control.call("cron.list", ["query": "DISKS"])
            #expect(list["total"] == 1 && list["jobs"]?.array?.first?["id"]?.string == id)
            #expect(try await control.call("cron.list", ["agentId": "other"])["total"] == 0)
            let status = try await control.call("cron.status")
            #expect(status["jobs"] == 1 && status["nextWakeAtMs"] == added["state"]?["nextRunAtMs"])
            let run: JSONValue = ["jobId": .string(id), "idempotencyKey": "r"]
            #expect(try await control.call("cron.run", run)["ran"] == true)
            #expect(try await control.call("cron.run", run)["ran"] == true)
            try await daemon.saw("wakeEnded")
            #expect(try await control.call("cron.run", ["id": .string(id), "mode": "due"])["ran"] == false)
            let entries = try await control.call("cron.runs", ["id": .string(id)])["entries"]?.array
            #expect(entries?.count == 1 && entries?.first?["status"] == "fired")
            #expect(try await control.call("cron.get", ["id": "disks"])["state"]?["lastRunStatus"] == "fired")
            #expect(try await control.call("cron.remove", ["id": .string(id)])["removed"] == true)
            try await daemon.saw("jobRemoved")
            #expect(try await control.call("cron.list")["total"] == 0)
            try await control.stage.stop(daemon)
            #expect(control.notes("> check the disks") == 1)
        }
    }

    @Test("what can't be a job is refused with all that is wrong")
    func refused() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let bare = try await control.refusal("cron.add", ["enabled": false])
            let paths = bare.details?["issues"]?.array?.compactMap { $0["path"]?.string } ?? []
            #expect(Set(paths) == ["enabled", "schedule", "payload"], "\(paths)")
            let nonsense = try await control.refusal("cron.add", Self.job(["kind": "cron", "expr": "0 25 * * *"], key: "n"))
            #expect(nonsense.code == .invalidRequest && nonsense.message.contains("hour"), "\(nonsense)")
            let kind = try await control.refusal("cron.add", Self.job(["kind": "on-exit"], key: "o"))
            #expect("\(kind.details ?? [:])".contains("schedule.kind"), "\(kind)")
            let unknown = try await control.refusal("cron.remove", ["id": "nothing"])
            #expect(unknown.reason == "not-found", "\(unknown)")
            let turns = try await control.refusal(
                "agent", ["sessionKey": .string(Stage.session), "message": "go on", "idempotencyKey": "a"])
            #expect("\(turns.details ?? [:])".contains("takes no turns"), "\(turns)")
            try await control.stage.stop(daemon)
        }
    }
}
