import DiscordLoopback
import Foundation
import Testing

/// Clients that nobody here wrote, against the loopback: what they can't do with it, real bots can't either.
@Suite("Real client libraries", .timeLimit(.minutes(5))) struct InteropTests {
    enum Library: String, CaseIterable, Sendable {
        case discordpy, hikari
    }

    @Test("log in, send, attach a file, read back", arguments: Library.allCases)
    func once(library: Library) async throws {
        try await withClient(library, mode: "once") { run in
            let said = try await run.finish()
            #expect(said.contains { $0.event == "ready" && $0["user"] as? String == "900000000000001000" })
            let read = try #require(said.first { $0.event == "history" })
            #expect(read.strings("contents") == ["with a file", "hello from \(library == .hikari ? "hikari" : "discord.py")"])
            #expect(said.first { $0.event == "sent" }?.strings("files") == ["note.md"])
            if library == .discordpy {
                // The same nonce twice gave the same message.
                #expect(said.first { $0.event == "sent" }?["same"] as? Bool == true)
                #expect(said.first { $0.event == "channel" }?["may_send"] as? Bool == true)
                #expect(run.log.events.contains { $0.name == "message_deduplicated" })
            }
            #expect(run.world.messages(in: LoopbackOptions.defaultChannel).count == 2)
            #expect(run.log.events.count { $0.name == "ready" } == 1)
            #expect(run.log.events.contains { $0.name == "connect" && $0["compress"] == "zlib-stream" })
            #expect(run.log.events.contains { $0.name == "heartbeat" && $0["acked"] == "true" })
            #expect(!run.log.events.contains { $0.name == "close" && $0["by"] == "server" })
        }
    }

    @Test(
        "op 7 and closes that allow it end in a resume, not in an identify", arguments: Library.allCases,
        [nil, 4_000] as [UInt16?])
    func resume(library: Library, code: UInt16?) async throws {
        try await withClient(library, mode: "again") { run in
            try await run.wait(for: "waiting")
            try run.world.perform(code.map { .close(code: $0) } ?? .reconnect(omitsBody: false))
            let said = try await run.finish()
            #expect(said.contains { $0.event == "resumed" })
            #expect(said.contains { $0.event == "message" && $0["content"] as? String == "second life" })
            #expect(run.log.events.count { $0.name == "identify" } == 1)
            #expect(run.log.events.count { $0.name == "resumed" } == 1)
        }
    }

    @Test("what was said while nobody listened is replayed by the resume", arguments: Library.allCases)
    func replay(library: Library) async throws {
        try await withClient(library, mode: "again") { run in
            try await run.wait(for: "waiting")
            try run.world.perform(.close(code: 4_000))
            try run.world.perform(.message(channel: LoopbackOptions.defaultChannel, content: "meanwhile"))
            let said = try await run.finish()
            #expect(said.count { $0.event == "message" && $0["content"] as? String == "meanwhile" } == 1)
            #expect(run.log.events.contains { $0.name == "resumed" && $0["replayed"] != "0" })
        }
    }

    @Test("op 9 with false ends in a new identify", arguments: Library.allCases)
    func identifyAgain(library: Library) async throws {
        try await withClient(library, mode: "again") { run in
            try await run.wait(for: "waiting")
            try run.world.perform(.invalidSession(resumable: false))
            let said = try await run.finish()
            #expect(said.count { $0.event == "ready" } == 2)
            #expect(said.contains { $0.event == "message" && $0["content"] as? String == "second life" })
            #expect(run.log.events.count { $0.name == "identify" } == 2)
            #expect(!run.log.events.contains { $0.name == "resumed" })
        }
    }

    @Test("a wrong token fails cleanly", arguments: Library.allCases)
    func wrongToken(library: Library) async throws {
        try await withClient(library, mode: "once", token: "OTAwMDAwMDAwMDAwMDAxMDAw.wrong.token") { run in
            let said = try await run.finish()
            #expect(said.contains { $0.event == "login_failed" })
            #expect(said.last?.event == "done")
            #expect(run.log.events.contains { $0.name == "response" && $0["status"] == "401" })
            #expect(!run.log.events.contains { $0.name == "ready" })
        }
    }

    @Test("a rate limit is waited for and a server error retried", arguments: Library.allCases)
    func limits(library: Library) async throws {
        try await withClient(
            library, mode: "once", faults: ["rate-limit retry_after=0.3 method=POST", "status status=502 method=POST skip=1"]
        ) { run in
            _ = try await run.finish()
            #expect(run.world.messages(in: LoopbackOptions.defaultChannel).count == 2)
            #expect(run.log.events.contains { $0.name == "rate_limited" })
        }
    }

    /// Runs one client against a fresh loopback, or says why it can't.
    private func withClient(
        _ library: Library, mode: String, token: String = LoopbackOptions.defaultToken, faults: [String] = [],
        _ test: (ClientRun) async throws -> Void
    ) async throws {
        let python = try await PythonEnvironment.shared.interpreter()
        var options = LoopbackOptions()
        // Libraries reconnect faster than Discord's 5 s in these tests.
        options.identifyWindow = .milliseconds(100)
        options.faults = try faults.map { try LoopbackFault($0) }
        let server = try DiscordLoopbackServer(options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try await server.address()
            let script = PythonEnvironment.clients.appending(path: "\(library.rawValue)_client.py")
            let run = try ClientRun(
                python: python,
                arguments: [
                    script.path, "http://127.0.0.1:\(address.port)/api", address.gateway, token,
                    String(LoopbackOptions.defaultChannel), mode,
                ],
                world: server.world)
            do { try await test(run) } catch {
                run.stop()
                throw error
            }
            run.stop()
            group.cancelAll()
        }
    }
}
