import DiscordLoopback
import Foundation
import NetSupport
import Testing

@testable import OpenClawLoopback

/// A running stand-in, and a Discord beside it.
struct Rig: Sendable {
    static let token = "secret"
    static let channel = LoopbackOptions.defaultChannel
    static let session = "agent:main:discord:channel:\(LoopbackOptions.defaultChannel)"

    let server: OpenClawLoopbackServer
    let port: Int
    let discord: LoopbackWorld
    let directory: String

    var log: OpenClawLog { server.log }
    var sentinelPath: String { directory + "/restart-sentinel.json" }

    /// The first event of that name; it is there, or the test runs into its time limit.
    func event(
        _ name: String, after number: Int = 0, where passes: @Sendable (OpenClawEvent) -> Bool = { _ in true }
    ) async throws -> OpenClawEvent {
        guard let event = await log.first(name, after: number, where: passes) else { throw CancellationError() }
        return event
    }

    /// Waits for the first event of that name that passes, and compares its fields.
    func expect(
        _ name: String, _ fields: [String: String], sourceLocation: SourceLocation = #_sourceLocation,
        where passes: @Sendable (OpenClawEvent) -> Bool = { _ in true }
    ) async throws {
        let event = try await event(name, where: passes)
        for (field, value) in fields { #expect(event[field] == value, sourceLocation: sourceLocation) }
    }

    /// Connects without a handshake.
    func connect<Result: Sendable>(_ body: @escaping @Sendable (RawClient) async throws -> Result) async throws -> Result {
        try await WebSocketClient().withConnection(to: try WebSocketAddress("ws://127.0.0.1:\(port)")) { connection in
            let client = RawClient(connection)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await client.read() }
                let result = try await body(client)
                connection.close(code: 1000)
                return result
            }
        }
    }

    /// Connects as a backend with these scopes.
    @discardableResult
    func backend<Result: Sendable>(
        scopes: [String] = ["operator.admin"], _ body: @escaping @Sendable (RawClient) async throws -> Result
    ) async throws -> Result {
        try await connect { client in
            _ = try await client.call("connect", RawClient.hello(scopes: scopes))
            return try await body(client)
        }
    }

    /// Calls `config.patch` with the hash of what there is.
    @discardableResult
    func patch(_ client: RawClient, _ raw: String, _ more: [String: JSON] = [:]) async throws -> JSON {
        let hash = try await client.call("config.get")["payload"]?["hash"] ?? .null
        return try await client.call("config.patch", .object(more.merging(["raw": .string(raw), "baseHash": hash]) { $1 }))
    }

    /// What the bot has said so far in the default channel.
    var said: [String] { discord.log.events.filter { $0.name == "message_created" }.compactMap { $0["content"] } }
}

/// Runs a Discord and a stand-in with short times for as long as the test needs them.
func withClaw(
    _ generation: OpenClawOptions.Generation = .newest, in directory: String? = nil,
    _ change: (inout OpenClawOptions) -> Void = { _ in }, _ test: @escaping @Sendable (Rig) async throws -> Void
) async throws {
    let folder = directory ?? FileManager.default.temporaryDirectory.appending(path: "claw-\(UUID().uuidString)").path
    defer { if directory == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let discord = try DiscordLoopbackServer()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await discord.run() }
        var options = OpenClawOptions(stateDirectory: folder, token: Rig.token)
        options.generation = generation
        options.discordAPI = try await discord.address().rest
        options.discordToken = LoopbackOptions.defaultToken
        options.sentinelDelay = .milliseconds(1)
        options.noticeInterval = .milliseconds(1)
        options.restartCooldown = .zero
        options.runLength = .milliseconds(1)
        change(&options)
        let server = try OpenClawLoopbackServer(options: options)
        group.addTask { try await server.run() }
        let rig = Rig(server: server, port: try await server.port, discord: discord.world, directory: folder)
        group.addTask { try await test(rig) }
        // The others end before the test only by failing: it would wait for them in vain.
        try await group.next()
        group.cancelAll()
    }
}
