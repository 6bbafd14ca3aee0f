import DiscordLoopback
import Foundation
import OpenClawLoopback
import Testing
import WakeCore

/// A stage with a stand-in for an OpenClaw gateway, which holds the bot's session; the program stands beside it.
struct ClawStage: Sendable {
    static let token = "a-token-of-the-gateway"
    static let session = Stage.session

    let stage: Stage
    let claw: OpenClawLoopbackServer
    let port: Int

    var stateDirectory: String { stage.folder + "/claw" }

    /// Runs a test beside a gateway.
    ///
    /// - Parameters:
    ///   - generation: how old it is.
    ///   - gateway: more keys of its configuration.
    ///   - change: other choices for the stand-in.
    ///   - body: the test.
    /// - Throws: what the test throws, or why there is no gateway.
    static func play(
        _ generation: OpenClawOptions.Generation, _ gateway: JSONObject = [:],
        change: @escaping @Sendable (inout OpenClawOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (ClawStage) async throws -> Void
    ) async throws {
        try await Stage.play { stage in
            var options = OpenClawOptions(stateDirectory: stage.folder + "/claw", token: token)
            options.generation = generation
            options.discordAPI = stage.address.rest
            options.discordToken = LoopbackOptions.defaultToken
            options.restartCooldown = .zero
            change(&options)
            let claw = try OpenClawLoopbackServer(options: options)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await claw.run() }
                defer { group.cancelAll() }
                let port = try await claw.port
                let beside = ClawStage(stage: stage, claw: claw, port: port)
                try beside.writeConfiguration(gateway)
                claw.addSession(session, label: "infra", to: "channel:\(Stage.thread)")
                group.addTask {
                    try await body(beside)
                    claw.stop()
                }
                // The gateway ends before the test only by failing: it would be waited for in vain.
                try await group.next()
            }
        }
    }

    func writeConfiguration(_ more: JSONObject) throws {
        var gateway: JSONObject = [
            "address": .string("ws://127.0.0.1:\(port)"), "stateDirectory": .string(stateDirectory),
            "tokenFile": .string(stage.folder + "/claw.token"), "discordTokenFile": .string(stage.tokenFile),
            "discordApiBase": .string(stage.address.rest),
        ]
        for member in more.members { gateway[member.key] = member.value }
        let document: JSONValue = [
            "ledger": ["directory": .string(stage.ledger)], "gateways": ["main": .object(gateway)],
            "log": ["format": "json", "level": "debug"], "control": ["port": 0],
        ]
        try stage.write(document.text, to: stage.configuration)
        try stage.write(Self.token, to: stage.folder + "/claw.token")
    }

    /// Starts the daemon and waits until it knows the gateway's channel.
    func startDaemon() async throws -> Program {
        let daemon = try await stage.startDaemon()
        try await daemon.saw("channelChanged") { $0["place"] == "gateway:main/discord:default" && $0["reason"] == "ready" }
        return daemon
    }

    /// Promises the session a wake after the gateway's next restart.
    func writeSentinel(_ note: String) async throws -> String {
        let reply = try await stage.run(
            "sentinel", "write", "--target", "gateway:main", "--session", Self.session, "--note", note, "--json")
        try #require(reply.code == 0, "\(reply.errors)")
        return try #require(reply["sentinel"]?.string)
    }

    /// Waits for something at the gateway.
    @discardableResult
    func gateway(
        _ name: String, where passes: @escaping @Sendable (OpenClawEvent) -> Bool = { _ in true }
    ) async throws -> OpenClawEvent {
        let log = claw.log
        return try await within("the gateway's '\(name)'", { log.events.suffix(30).map(\.line).joined(separator: "\n") }) {
            for await event in log.stream() where event.name == name && passes(event) { return event }
            return nil
        }
    }

    /// The turns that were started in the session by somebody else than the test.
    func turns(_ session: String = ClawStage.session) -> [OpenClawEvent] {
        claw.log.events.filter { $0.name == "turn" && $0["session"] == session && $0["source"] != "test" }
    }

    /// What the bot has posted to the thread, without the agent's own words.
    func notices() -> [LoopbackWorld.StoredMessage] { stage.messages().filter { !$0.content.hasPrefix("(agent)") } }

    /// A call of the gateway, as an agent makes it.
    func call(_ method: String, _ params: JSONValue) async throws -> JSONValue {
        let url = "ws://127.0.0.1:\(port)"
        let reply = try await stage.run(
            ["call", method, "--url", url, "--token-file", stage.folder + "/claw.token", "--json", "--params", "-"],
            input: Array(params.text.utf8))
        return try #require(reply.json, "\(reply.errors)")
    }

    /// Patches the gateway's configuration over its own RPC, as an agent does who does not know us.
    func patchItself(_ note: String, delay: Int64 = 0) async throws {
        let hash = try #require(try await call("config.get", [:])["hash"]?.string)
        _ = try await call(
            "config.patch",
            [
                "raw": "{ gateway: { controlUi: { enabled: false } } }", "baseHash": .string(hash),
                "sessionKey": .string(Self.session), "note": .string(note), "restartDelayMs": .integer(delay),
            ])
    }
}
