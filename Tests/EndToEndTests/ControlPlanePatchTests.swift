import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("Changes that restart nothing, or a channel")
struct ControlPlanePatchTests {
    @Test("a hot key is in force before the answer, and nothing restarts")
    func hot() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let instance = try await control.instance()
            let reply = try await control.call("config.patch", try await control.patch("{ log: { level: 'critical' } }"))
            #expect(reply["needs"] == "reload" && reply["restart"]?["scheduled"] == false)
            #expect(reply["wake"]?["stored"] == false)
            #expect(try await control.hash() == reply["hash"])
            let size = try await control.call("logs.tail")["size"]
            let mark = control.stage.mark
            _ = try await control.call("channels.stop", ["channel": "discord"])
            _ = try await control.call("channels.start", ["channel": "discord"])
            try await control.stage.discord("resumed", after: mark)
            #expect(try await control.call("logs.tail")["size"] == size, "what is no longer to be logged is not")

            _ = try await control.call("config.patch", try await control.patch("{ log: { level: null } }"))
            _ = try await control.call("channels.stop", ["channel": "discord"])
            try await daemon.saw("channelChanged") { $0["reason"]?.contains("channels.start") == true }
            #expect(try await control.instance() == instance)
            try await control.stage.stop(daemon)
        }
    }

    @Test("a channel's key opens that channel again; the daemon lives on, and what is owed meanwhile comes after")
    func channel() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let instance = try await control.instance()
            let before = control.stage.count("connect")
            let params = try await control.patch("{ discord: { accounts: { default: { allowedMentions: ['users'] } } } }")
            let reply = try await control.connect { connection in
                let reply = try await connection.call("config.patch", params)
                _ = try await connection.call("wake", ["text": "while it is closed", "sessionKey": .string(Stage.session)])
                return reply
            }
            #expect(reply?["needs"] == "channel restart", "\(reply as Any)")
            #expect(reply?["restartedChannels"] == ["discord:default"] && reply?["restart"]?["scheduled"] == false)
            try await ControlStage.ready(daemon, times: 2)
            try await daemon.saw("wakeEnded")
            #expect(control.notes("while it is closed") == 1)
            #expect(control.stage.count("connect") == before + 1)
            #expect(try await control.instance() == instance)
            try await control.stage.stop(daemon)
        }
    }

    @Test("a dry run tells what would be done, and does nothing")
    func dryRun() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let before = try await control.stand()
            for raw in ["{ wake: { holdFor: '3d' } }", "{ log: { level: 'debug' } }"] {
                let params = try await control.patch(raw, ["dryRun": true, "sessionKey": .string(Stage.session)])
                let reply = try await control.call("config.patch", params)
                #expect(reply["dryRun"] == true && reply["entry"] == nil && reply["sentinel"] == nil)
                #expect(reply["changedPaths"]?.array?.count == 1)
                #expect(reply["restart"]?["scheduled"]?.bool == raw.contains("wake"))
            }
            #expect(try await control.stand() == before)
            #expect(before.patches.isEmpty && before.log == [])
            try await control.stage.stop(daemon)
        }
    }

    @Test("a patch that changes nothing is taken, restarts nothing and is not in the log")
    func nothing() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            let before = try await control.stand()
            for raw in ["{}", "{ log: { format: 'json' } }"] {
                let reply = try await control.call(
                    "config.patch", try await control.patch(raw, ["sessionKey": .string(Stage.session)]))
                #expect(reply["ok"] == true && reply["changedPaths"] == [], "\(raw): \(reply.text)")
                #expect(reply["restart"]?["scheduled"] == false && reply["wake"]?["stored"] == false)
            }
            let after = try await control.stand()
            #expect(after.own == before.own && after.sentinels == before.sentinels && after.instance == before.instance)
            #expect(after.picture == before.picture && after.log == before.log)
            try await control.stage.stop(daemon)
        }
    }

    @Test("the person's own file stays as it is, byte for byte, through patch, apply, set and revert; the log tells all four")
    func own() async throws {
        try await ControlStage.play { control in
            let own = try #require(FileManager.default.contents(atPath: control.stage.configuration))
            let daemon = try await control.startReady()
            let first = try await control.call("config.get")
            _ = try await control.call("config.patch", try await control.patch("{ log: { level: 'debug' } }"))
            let patched = try #require(try await control.call("config.get")["parsed"])
            // The whole, with one thing changed.
            var whole = try #require(patched.object)
            whole["log"] = ["format": "json", "level": "warning"]
            let applied = try await control.call("config.apply", try await control.patch(JSONValue.object(whole).text))
            #expect(applied["changedPaths"] == ["log.level"], "\(applied.text)")
            whole["wake"] = ["holdFor": "3d"]
            let stored = try await control.call("config.set", try await control.patch(JSONValue.object(whole).text))
            #expect(stored["changedPaths"] == ["wake.holdFor"] && stored["needs"] == "daemon restart", "\(stored.text)")
            #expect(stored["restart"]?["scheduled"] == false, "it is stored, and restarts nothing")
            #expect(try await control.call("status")["waitsForRestart"] == ["wake.holdFor"])
            #expect(try await control.call("status")["restartPendingInMs"] == nil)
            for number in 2...3 {
                let params: JSONValue = ["number": .integer(Int64(number)), "dryRun": .bool(number == 3)]
                let reverted = try await control.call("config.revert", params)
                #expect(reverted["ok"] == true, "\(reverted.text)")
            }
            let entries = try #require(try await control.call("config.log")["entries"]?.array)
            #expect(entries.compactMap { $0["number"]?.integer } == [4, 3, 2, 1])
            #expect(entries.first?["revertOf"]?.integer == 2)
            #expect(try await control.call("config.get")["parsed"]?["log"]?["level"] == "debug")
            try await Self.beside(control, entries)
            #expect(FileManager.default.contents(atPath: control.stage.configuration) == own)
            #expect(try await control.call("config.get")["raw"] == first["raw"])
            try await control.stage.stop(daemon)
            #expect(FileManager.default.contents(atPath: control.stage.configuration) == own)
        }
    }

    /// The same from the command line, while the daemon runs.
    private static func beside(_ control: ControlStage, _ entries: [JSONValue]) async throws {
        let log = try await control.stage.run("config", "log", "--json")
        #expect(log["entries"]?.array?.compactMap { $0["number"] } == entries.compactMap { $0["number"] }, "\(log.errors)")
        let show = try await control.stage.run("config", "show")
        let level = show.out.split(separator: "\n").first { $0.hasPrefix("log.level") }
        #expect(level?.contains("debug") == true, "\(show.out)\(show.errors)")
        let revert = try await control.stage.run("config", "revert", "3", "--json", "--note", "by hand")
        #expect(revert.code == 0 && revert["entry"]?["number"]?.integer == 5, "\(revert.errors)")
        #expect(try await control.call("config.get")["parsed"]?["wake"]?["holdFor"] == nil)
        // A hash from before is stale: somebody else was here.
        let again = try await control.stage.run("config", "revert", "3")
        #expect(again.code != 0 && again.errors.contains("Error: "), "\(again.out)\(again.errors)")
    }

    @Test("of two patches at once with the same hash exactly one wins; the other is told the new hash")
    func race() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.stage.startDaemon()
            let hash = try await control.hash()
            @Sendable func patch(_ level: String) async throws -> GatewayFault? {
                try await control.connect { connection in
                    do {
                        _ = try await connection.call(
                            "config.patch", ["raw": .string("{ log: { level: '\(level)' } }"), "baseHash": hash])
                        return nil
                    } catch let fault as GatewayFault { return fault }
                }
            }
            async let one = patch("debug")
            async let other = patch("warning")
            let faults = try await [one, other].compactMap { $0 }
            #expect(faults.count == 1)
            #expect(faults.first?.details?["code"] == "CONFIG_CONFLICT")
            #expect(try await control.hash() == faults.first?.details?["currentHash"])
            #expect(try await control.call("config.log")["entries"]?.array?.count == 1)
            try await control.stage.stop(daemon)
        }
    }
}
