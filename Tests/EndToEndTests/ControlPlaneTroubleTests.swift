import Foundation
import GatewayClient
import GatewayProtocol
import Testing
import WakeCore

@Suite("The control plane in trouble: crashes in a row, and a disk that is full")
struct ControlPlaneTroubleTests {
    @Test("after three crashes in a row the channels stay closed and say why; started by hand they deliver what was held")
    func crashLoop() async throws {
        try await ControlStage.play { control in
            for _ in 0..<3 {
                let daemon = try await control.stage.startDaemon()
                daemon.signal(SIGKILL)
                #expect(try await daemon.ended() == .killed)
            }
            let connects = control.stage.count("connect")
            let daemon = try await control.stage.startDaemon()
            let remarks = try await control.call("health")["remarks"]?.array?.compactMap(\.string) ?? []
            #expect(remarks.contains { $0.contains("not started") && $0.contains("3 starts after a crash") }, "\(remarks)")
            try await daemon.saw("channelChanged") { $0["reason"]?.contains("not started") == true }
            let status = try await control.call("channels.status")
            let account = status["channelAccounts"]?["discord"]?.array?.first
            #expect(account?["state"] == "down" && account?["running"] == false, "\(status.text)")
            #expect(account?["lastError"]?.string?.contains("channels.start") == true)
            _ = try await control.call("wake", ["text": "held meanwhile", "sessionKey": .string(Stage.session)])
            try await daemon.saw("deliveryHeld")
            #expect(control.stage.count("connect") == connects, "Discord hears nothing of this life")
            #expect(try await control.call("channels.start", ["channel": "discord"])["started"] == true)
            try await daemon.saw("wakeEnded")
            #expect(control.notes("held meanwhile") == 1)
            try await control.stage.stop(daemon)
            // An end as it should be ends the row.
            let next = try await control.startReady()
            #expect(try await control.call("health")["remarks"] == nil)
            try await control.stage.stop(next)
        }
    }

    @Test("a full disk: the patch is refused with its reason, the configuration is as it was, and later it is taken")
    func fullDisk() async throws {
        try await ControlStage.play { control in
            let state = control.stage.folder + "/state"
            let wrapper =
                ["/usr/bin/env", "unshare"] + (geteuid() == 0 ? [] : ["--map-root-user"])
                + [
                    "--mount", "--propagation", "private", "/bin/sh", "-c",
                    "mount -t tmpfs -o size=1m,mode=700 none \(state) && exec \"$0\" \"$@\"",
                ]
            let daemon = try control.stage.start(
                ["daemon"], environment: ["PATH": "/usr/sbin:/sbin:/usr/bin:/bin"], wrapper: wrapper)
            daemon.feed()
            try await ControlStage.ready(daemon)
            let before = try await control.stand()
            // Its own view of the file system, from without.
            let filler = "/proc/\(daemon.pid)/root\(state)/filler"
            let handle = try Self.fill(filler)
            for raw in ["{ log: { level: 'debug' } }", "{ wake: { holdFor: '3d' } }"] {
                var params: JSONObject = ["raw": .string(raw), "baseHash": before.hash]
                if raw.contains("wake") { params["sessionKey"] = .string(Stage.session) }
                let fault = try await control.refusal("config.patch", .object(params))
                #expect(fault.code == .unavailable && fault.reason == "disk-full" && fault.isRetryable == true, "\(fault)")
            }
            let after = try await control.stand()
            #expect(after.hash == before.hash && after.log == [] && after.picture == before.picture)
            #expect(after.own == before.own && after.instance == before.instance && after.pending == nil)

            try handle.close()
            try FileManager.default.removeItem(atPath: filler)
            let reply = try await control.call(
                "config.patch", ["raw": "{ log: { level: 'debug' } }", "baseHash": before.hash])
            #expect(reply["changedPaths"] == ["log.level"])
            try await control.stage.stop(daemon)
            #expect(control.stage.messages().isEmpty, "nobody is woken for a patch that was refused")
        }
    }

    @Test("a patch that can't be kept takes its sentinel back: nothing restarts, and nobody is woken")
    func takenBack() async throws {
        try await ControlStage.play { control in
            let daemon = try await control.startReady()
            // A file where the folder of the log should be.
            try FileManager.default.createDirectory(
                atPath: control.patches, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try control.stage.write("in the way", to: control.patches + "/log")
            let before = try await control.stand()
            let params = try await control.patch(
                "{ wake: { holdFor: '3d' } }", ["sessionKey": .string(Stage.session), "restartDelayMs": 0])
            let fault = try await control.refusal("config.patch", params)
            #expect(fault.code == .unavailable && fault.reason == "storage" && fault.isRetryable == false, "\(fault)")
            try await daemon.saw("sentinelCancelled")
            var after = try await control.stand()
            #expect(after.sentinels.array?.compactMap { $0["state"]?.string } == ["cancelled"], "\(after.sentinels.text)")
            after.sentinels = before.sentinels
            #expect(after == before)
            try await control.stage.stop(daemon)
            #expect(control.stage.messages().isEmpty)
        }
    }

    /// Writes until nothing more goes in.
    private static func fill(_ path: String) throws -> FileHandle {
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        var size = 65_536
        while size > 0 {
            do { try handle.write(contentsOf: Data(repeating: 0x78, count: size)) } catch { size /= 2 }
        }
        return handle
    }
}
