import Foundation
import NIOHTTP1
import NetSupport
import Testing

@testable import OpenClawLoopback

@Suite("A gateway lives, ends, and lives again", .timeLimit(.minutes(1)))
struct LifeTests {
    @Test("a restart is announced, closes clients with 1012 and those in the handshake without a reason")
    func restart() async throws {
        try await withClaw { rig in
            try await rig.connect { early in
                _ = try await early.event("connect.challenge")
                try await rig.backend { client in
                    rig.server.restart(reason: "update")
                    let shutdown = try await client.event("shutdown")["payload"]
                    #expect(shutdown?["reason"] == "update")
                    #expect(shutdown?["restartExpectedMs"] == 1_500)
                    #expect(await client.closed() == .init(code: 1012, reason: "service restart"))
                }
                #expect(await early.closed() == .init(code: 1000))
            }
            let end = try await rig.event("life_end")
            #expect(end["cause"] == "restart" && end["reason"] == "update")
        }
    }

    @Test("each life counts its connections anew, on the same port, and its uptime")
    func anew() async throws {
        try await withClaw { rig in
            let before = try await rig.connect { try await $0.call("connect", RawClient.hello())["payload"] }
            rig.server.restart()
            _ = try await rig.event("life") { $0["life"] == "2" }
            let after = try await rig.connect { try await $0.call("connect", RawClient.hello())["payload"] }
            #expect(before?["server"]?["connId"] == "conn-1-1")
            #expect(after?["server"]?["connId"] == "conn-2-1")
            let listening = rig.log.events.filter { $0.name == "listening" }
            #expect(listening.map { $0["port"] } == [String(rig.port), String(rig.port)])
        }
    }

    @Test("a kill ends connections with no close frame")
    func kill() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                rig.server.kill()
                #expect(await client.closed() == nil)
            }
            try await rig.expect("life_end", ["cause": "killed"])
            _ = try await rig.event("life") { $0["life"] == "2" }
        }
    }

    @Test("a gateway that is stopped is gone until it is started")
    func stop() async throws {
        try await withClaw { rig in
            try await rig.backend { client in
                rig.server.stop()
                let shutdown = try await client.event("shutdown")
                #expect(shutdown["payload"]?["restartExpectedMs"] == JSON.null)
                #expect(await client.closed()?.code == 1012)
            }
            await #expect(throws: WebSocketError.self) { try await rig.connect { _ in } }
            rig.server.start()
            _ = try await rig.event("life") { $0["life"] == "2" }
            try await rig.backend { _ in }
        }
    }

    @Test("in the down time nobody listens")
    func downTime() async throws {
        try await withClaw {
            $0.downTime = .seconds(3_600)
        } _: { rig in
            rig.server.restart()
            await #expect(throws: WebSocketError.self) { try await rig.connect { _ in } }
            #expect(rig.log.events.filter { $0.name == "life" }.count == 1)
        }
    }

    @Test("another process with the same state directory goes on")
    func process() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claw-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withClaw(in: folder) { rig in rig.server.beginRun(session: Rig.session, message: "count to ten") }
        try await withClaw(in: folder) { rig in
            try await rig.expect("life", ["life": "2"])
            try await rig.backend { client in
                let rows = try await client.call("sessions.list")["payload"]?["sessions"]?.array ?? []
                #expect(rows.map { $0["key"] } == [.string(Rig.session)])
                #expect(rows.map { $0["hasActiveRun"] } == [false])
                let history = try await client.call("chat.history", ["sessionKey": .string(Rig.session)])["payload"]
                #expect(history?["messages"]?.array?.first?["content"] == [["type": "text", "text": "count to ten"]])
            }
        }
    }

    @Test("a damaged state file and a broken configuration are told of", arguments: ["loopback-state.json", "openclaw.json"])
    func damaged(name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claw-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("{".utf8).write(to: folder.appending(path: name))
        let fault = #expect(throws: OpenClawLoopbackError.self) {
            try OpenClawLoopbackServer(options: OpenClawOptions(stateDirectory: folder.path, token: "secret"))
        }
        #expect(fault?.code == .file)
        #expect(fault?.description.contains(name) == true)
    }

    @Test("a Discord address that is none is refused", arguments: ["https://discord.com/api/v10", "127.0.0.1:80", "http://"])
    func badDiscord(address: String) {
        var options = OpenClawOptions(stateDirectory: FileManager.default.temporaryDirectory.path, token: "secret")
        options.discordAPI = address
        let fault = #expect(throws: OpenClawLoopbackError.self) { try OpenClawLoopbackServer(options: options) }
        #expect(fault?.code == .badOption)
    }

    @Test("a taken port ends the stand-in, and who waits for the port is told")
    func takenPort() async throws {
        try await withClaw { rig in
            var options = OpenClawOptions(stateDirectory: rig.directory + "/other", token: "secret")
            options.port = rig.port
            let other = try OpenClawLoopbackServer(options: options)
            let port = Task { try await other.port }
            let fault = await #expect(throws: OpenClawLoopbackError.self) { try await other.run() }
            #expect(fault?.code == .port)
            await #expect(throws: CancellationError.self) { try await port.value }
        }
    }

    @Test("from outside, a restart, a kill, a run and Discord can be had over HTTP")
    func outside() async throws {
        try await withClaw {
            $0.discordReadyAfter = nil
        } _: { rig in
            try await post(rig, "discord-ready")
            _ = try await rig.event("discord_ready")
            try await post(rig, "begin-run", #"{"session":"agent:main:main","message":"go"}"#)
            try await rig.expect("turn", ["text": "go"])
            try await post(rig, "fault", #"{"fault":"no-challenge"}"#)
            try await post(rig, "restart", #"{"reason":"by hand"}"#)
            try await rig.expect("life_end", ["reason": "by hand"])
            try await rig.expect("turn_end", ["outcome": "cut-off"])
            _ = try await rig.event("life") { $0["life"] == "2" }
            try await post(rig, "kill-connections")
            try await rig.expect("life_end", ["life": "2"]) { $0["cause"] == "killed" }
        }
    }

    @Test(
        "what is no deed is refused",
        arguments: [("begin-run", ""), ("fault", #"{"fault":"x"}"#), ("restart", "[]"), ("dance", "")])
    func noDeed(deed: String, body: String) async throws {
        try await withClaw { rig in try await post(rig, deed, body, isRefused: true) }
    }

    private func post(_ rig: Rig, _ deed: String, _ body: String = "", isRefused: Bool = false) async throws {
        let call = HTTPCall(host: "127.0.0.1", port: rig.port, path: "/loopback/\(deed)", headers: [:], body: body)
        let answer = try await call.post()
        #expect((answer.status >= 400) == isRefused)
        #expect(JSON(parsing: answer.body)?["error"]?.filled != nil || !isRefused)
    }
}
