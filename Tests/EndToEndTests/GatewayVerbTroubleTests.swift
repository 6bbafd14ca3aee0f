import DiscordLoopback
import Foundation
import GatewayProtocol
import OpenClawLoopback
import Testing
import WakeCore

@Suite("The command line against a gateway that makes trouble", .timeLimit(.minutes(3)))
struct GatewayVerbTroubleTests {
    /// Plays a gateway that shows an empty configuration, says this of what a change takes, and does this with a patch.
    private static func patch(
        _ deed: BareGateway.Deed, lookup: BareGateway.Deed = .answer(["reloadKind": "restart"]),
        _ body: @escaping @Sendable (Stage, Stage.Reply) throws -> Void
    ) async throws {
        let serve: @Sendable (GatewayRequest) -> BareGateway.Deed = { request in
            switch request.method {
            case "config.get": .answer(["hash": "h", "config": [:]])
            case "config.schema.lookup": lookup
            default: deed
            }
        }
        try await BareGateway.play([.serve(serve)]) { gateway, address in
            try await Stage.play { stage in
                try configure(stage, address)
                let reply = try await stage.run(
                    "config", "patch", "--gateway", "main", "--session", Stage.session, "--note", "go on", "--patch", "{a: 1}",
                    "--delay", "7s")
                let asked = try #require(gateway.requests.last)
                #expect(asked.method == "config.patch" && asked.params?["baseHash"] == "h")
                #expect(asked.params?["restartDelayMs"] == 7_000 && asked.params?["raw"] == "{a: 1}")
                #expect(asked.params?["sessionKey"] == nil && asked.params?["note"] == nil)
                try body(stage, reply)
            }
        }
    }

    private static func configure(_ stage: Stage, _ address: String, _ more: JSONObject = [:]) throws {
        var gateway: JSONObject = ["address": .string(address), "tokenFile": .string(stage.folder + "/claw.token")]
        for member in more.members { gateway[member.key] = member.value }
        let document: JSONValue = [
            "ledger": ["directory": .string(stage.ledger)], "gateways": ["main": .object(gateway)], "control": ["port": 0],
        ]
        try stage.write(document.text, to: stage.configuration)
        try stage.write("token", to: stage.folder + "/claw.token")
    }

    private static func expectTakenBack(_ stage: Stage) throws {
        let (written, cancelled) = try GatewayVerbTests.inbox(stage)
        #expect(written.count == 1 && cancelled == written.map(\.id))
    }

    @Test("somebody else changed it meanwhile: the sentinel is taken back, exit code 75")
    func conflict() async throws {
        let fault = GatewayFault(.invalidRequest, "config changed since last load; re-run config.get and retry")
        try await Self.patch(.refuse(fault)) { stage, reply in
            #expect(reply.code == 75 && reply.errors.contains("somebody else changed"), "\(reply)")
            try Self.expectTakenBack(stage)
        }
    }

    @Test(
        "the connection ends before the answer: the sentinel stays, and that is said",
        arguments: [nil, 1006, 1012, 1000] as [UInt16?])
    func cutOff(code: UInt16?) async throws {
        try await Self.patch(.cutOff(code == 1006 ? nil : code)) { stage, reply in
            #expect(
                reply.code == 75 && reply.errors.contains("it is not known whether the gateway main took the change"), "\(reply)")
            let (written, cancelled) = try GatewayVerbTests.inbox(stage)
            #expect(written.count == 1 && cancelled.isEmpty)
            #expect(reply.errors.contains("sentinel \(written.first?.id.description ?? "?") stays"))
        }
    }

    @Test("an answer without a restart takes the sentinel back")
    func noRestart() async throws {
        try await Self.patch(.answer(["ok": true])) { stage, reply in
            #expect(reply.code == 0 && reply.out.contains("nobody is woken"), "\(reply)")
            try Self.expectTakenBack(stage)
        }
    }

    @Test("a gateway that restarts although it said that it would not: the sentinel is written while there is time")
    func restartsAfterAll() async throws {
        let answer: JSONValue = ["ok": true, "restart": ["ok": true, "delayMs": 7_000]]
        try await Self.patch(.answer(answer), lookup: .answer(["reloadKind": "hot"])) { stage, reply in
            #expect(reply.code == 0 && reply.out.contains("is durable"), "\(reply)")
            let (written, cancelled) = try GatewayVerbTests.inbox(stage)
            #expect(written.map(\.delay) == [.seconds(7)] && cancelled.isEmpty)
        }
    }

    @Test("a gateway that does not say what a change takes is counted on to restart")
    func lookupFails() async throws {
        for lookup in [
            BareGateway.Deed.refuse(GatewayFault(.unavailable, "later")), .answer([:]), .answer(["reloadKind": "odd"]),
        ] {
            try await Self.patch(.answer(["ok": true]), lookup: lookup) { stage, reply in
                #expect(reply.code == 0, "\(reply)")
                try Self.expectTakenBack(stage)
            }
        }
    }

    @Test("a change that is written and whose restart is refused is told")
    func restartRefused() async throws {
        try await Self.patch(.answer(["ok": true, "restart": ["ok": false, "reason": "suspended"]])) { stage, reply in
            #expect(reply.code == 69 && reply.errors.contains("does not restart for it: suspended"), "\(reply)")
            try Self.expectTakenBack(stage)
        }
    }

    @Test("a change that is written and could not be put into use leaves the sentinel")
    func writtenOnly() async throws {
        let fault = GatewayFault(.unavailable, "reload failed", details: ["persistedConfig": ["hash": "x"]])
        try await Self.patch(.refuse(fault)) { stage, reply in
            #expect(reply.code == 75 && reply.errors.contains("reload failed"), "\(reply)")
            let (written, cancelled) = try GatewayVerbTests.inbox(stage)
            #expect(written.count == 1 && cancelled.isEmpty)
        }
    }

    @Test("a missing scope is named, and nothing is written that isn't taken back")
    func scope() async throws {
        let fault = GatewayFault(
            .forbidden, "missing scope: operator.admin", details: ["code": "MISSING_SCOPE", "missingScope": "operator.admin"])
        try await Self.patch(.refuse(fault)) { stage, reply in
            #expect(reply.code == 77 && reply.errors.contains("the scope operator.admin is missing"), "\(reply)")
            #expect(reply.errors.contains("gateways.main.identity"))
            try Self.expectTakenBack(stage)
        }
    }

    // MARK: Connections

    private static func sessions(_ address: String, _ more: JSONObject = [:], tryFor: String = "20s") async throws -> Stage.Reply
    {
        let replies = AsyncStream.makeStream(of: Stage.Reply.self)
        try await Stage.play { stage in
            try configure(stage, address, more)
            replies.continuation.yield(try await stage.run("sessions", "--try-for", tryFor))
        }
        var iterator = replies.stream.makeAsyncIterator()
        return try #require(await iterator.next())
    }

    @Test("nobody there: its unit and its address are the places to look")
    func absent() async throws {
        let reply = try await Self.sessions("ws://127.0.0.1:1", tryFor: "300ms")
        #expect(reply.code == 69 && reply.errors.contains("the gateway main was not available"), "\(reply)")
        #expect(reply.errors.contains("openclaw-gateway.service") && reply.errors.contains("gateways.main.address"))
    }

    @Test("something else holds the port")
    func somethingElse() async throws {
        try await Stage.play { stage in
            let address = stage.address.rest.replacing("http://", with: "ws://")
            let reply = try await Self.sessions(address)
            #expect(reply.code == 69 && reply.errors.contains("did not upgrade to WebSocket"), "\(reply)")
            #expect(reply.errors.contains("is a gateway there"))
        }
    }

    @Test("another token: where to put the right one")
    func wrongToken() async throws {
        try await ClawStage.play(.newest) { beside in
            try beside.stage.write("another", to: beside.stage.folder + "/claw.token")
            let reply = try await beside.stage.run("sessions")
            #expect(reply.code == 77 && reply.errors.contains("does not take our token"), "\(reply)")
            #expect(reply.errors.contains("gateways.main"))
        }
    }

    @Test("protocol 5: which versions are spoken, exit code 76")
    func protocolFive() async throws {
        try await ClawStage.play(.newest, change: { $0.faults = [.protocolFive] }) { beside in
            let reply = try await beside.stage.run("sessions")
            #expect(reply.code == 76 && reply.errors.contains("3 to 4"), "\(reply)")
        }
    }

    @Test("a certificate that nobody vouches for: what to do; a certificate file that is none is named")
    func certificate() async throws {
        try await OwnCertificate.with { own in
            var options = Stage.swift
            options.tls = (own.certificatePath, own.keyPath)
            try await Stage.play(options) { stage in
                let address = stage.address.rest.replacing("https://", with: "wss://")
                let unknown = try await Self.sessions(address)
                #expect(unknown.code == 69 && unknown.errors.contains("gateways.main.certificateFile"), "\(unknown)")
                let missing = try await Self.sessions(address, ["certificateFile": "/nonexistent.pem"])
                #expect(missing.code == 69 && missing.errors.contains("can't be read"), "\(missing)")
                // Past TLS it is a Discord, and no gateway.
                let trusted = try await Self.sessions(address, ["certificateFile": .string(own.certificatePath)])
                #expect(trusted.code == 69 && trusted.errors.contains("did not upgrade to WebSocket"), "\(trusted)")
            }
        }
    }

    @Test("a gateway that is not configured, and none at all")
    func unknown() async throws {
        try await ClawStage.play(.newest) { beside in
            let other = try await beside.stage.run("sessions", "--gateway", "other")
            #expect(other.code == 64 && other.errors.contains("Known gateways: main"), "\(other)")
            let url = try await beside.stage.run("sessions", "--gateway", "ftp://x")
            #expect(url.code == 64 && url.errors.contains("no address of a gateway"), "\(url)")
        }
        try await Stage.play { stage in
            let none = try await stage.run("sessions")
            #expect(none.code == 73 && none.errors.contains("there is no folder"), "\(none)")
        }
    }

    // MARK: Sessions

    @Test("sessions are found by place, by link and by the environment")
    func sessions() async throws {
        try await ClawStage.play(.newest) { beside in
            beside.claw.addSession("agent:other:discord:channel:77", label: "other")
            let all = try await beside.stage.run("sessions", "--json")
            #expect(all["sessions"]?.array?.count == 2, "\(all)")
            for place in ["\(Stage.thread)", "<#\(Stage.thread)>", "https://discord.com/channels/1/\(Stage.thread)/9"] {
                let found = try await beside.stage.run("sessions", "--match", place, "--key")
                #expect(found.code == 0 && found.out == ClawStage.session, "\(found)")
            }
            let here = try await beside.stage.run("sessions", "--here", environment: ["OPENCLAW_SESSION_KEY": ClawStage.session])
            #expect(here.code == 0 && here.out == ClawStage.session, "\(here)")
            for (arguments, environment) in [
                (["--here"], [:]), (["--here"], ["OPENCLAW_SESSION_KEY": "agent:infra:discord:channel:5"]),
                (["--match", "5"], [:]),
                (["--match", "5", "--key"], [:]),
            ] as [([String], [String: String])] {
                let reply = try await beside.stage.run(["sessions"] + arguments, environment: environment)
                #expect(reply.code == 66 && reply.out.isEmpty && reply.errors.contains("Try: "), "\(arguments): \(reply)")
            }
            let bad = try await beside.stage.run("sessions", "--here", environment: ["REVEILLE_SESSION": "agent"])
            #expect(bad.code == 64 && bad.errors.contains("REVEILLE_SESSION"), "\(bad)")
        }
    }
}
