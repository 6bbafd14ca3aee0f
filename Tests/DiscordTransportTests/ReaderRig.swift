import DiscordLoopback
import DiscordProtocol
import Logging
import Testing
import WakeCore
import WakeService

@testable import DiscordTransport

/// A local Discord, and a reader of it: nobody is connected to the gateway.
struct ReaderRig: Sendable {
    /// A second bot, such as somebody else's.
    static let otherToken = "OTAwMDAwMDAwMDAwMDAyMDAw.other.bot"
    // A literal that is known to be one.
    static let channel = ChannelName("gateway:main/discord:default")!

    let server: DiscordLoopbackServer
    let address: DiscordLoopbackServer.Address
    let reader: DiscordReader
    /// Writes as the second bot.
    let other: DiscordReader

    var world: LoopbackWorld { server.world }

    static func run(
        token: String = LoopbackOptions.defaultToken, options: LoopbackOptions = .quick,
        _ body: @escaping @Sendable (ReaderRig) async throws -> Void
    ) async throws {
        var options = options
        options.tokens = [LoopbackOptions.defaultToken, otherToken]
        let server = try DiscordLoopbackServer(options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try await server.address()
            let rig = ReaderRig(
                server: server, address: address, reader: try reader(at: address, token: token),
                other: try reader(at: address, token: otherToken))
            group.addTask { await rig.reader.run() }
            group.addTask { await rig.other.run() }
            try await body(rig)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(server.world.log.events.allSatisfy { !["hello", "identify", "resume", "ready"].contains($0.name) })
    }

    static func reader(at address: DiscordLoopbackServer.Address, token: String) throws -> DiscordReader {
        var settings = try DiscordSettings(token: try #require(BotToken(token)), channel: channel, apiBase: address.rest)
        settings.requestTimeout = .seconds(10)
        return DiscordReader(
            settings: settings, moments: try SystemMoments(environment: [:]),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    static func route(_ id: UInt64 = LoopbackOptions.defaultChannel, _ kind: Route.Kind = .channel) -> Route {
        Route(channel: channel, kind: kind, destination: String(id))
    }

    /// A person's message.
    func say(_ text: String, in channel: UInt64 = LoopbackOptions.defaultChannel) throws {
        try world.perform(.message(channel: channel, content: text))
    }

    /// A message as a gateway posts it, which sends no nonce of ours; tells its id.
    @discardableResult
    func post(
        _ text: String, in channel: UInt64 = LoopbackOptions.defaultChannel, as bot: DiscordReader, mentions: JSONValue = []
    ) async throws -> String {
        let body: JSONValue = ["content": .string(text), "allowed_mentions": ["parse": mentions]]
        bot.rest.open()
        let outcome = await bot.rest.call(.createMessage(in: Snowflake(channel)), body: .init(bytes: body.bytes))
        guard case .accepted(let id) = SendVerdict(outcome) else { throw NotAccepted(outcome: outcome) }
        return id.description
    }

    /// What was written since the beginning of time, or why it can't be read.
    func messages(in route: Route = Self.route(), since: Int64 = 0, limit: Int = 50) async -> Result<[ChannelMessage], WakeError>
    {
        do throws(WakeError) {
            return .success(try await reader.messages(in: route, since: since, limit: limit))
        } catch { return .failure(error) }
    }

    /// Why messages can't be read; nil if they can.
    func refusal(in route: Route = Self.route()) async -> WakeError? {
        guard case .failure(let error) = await messages(in: route) else { return nil }
        return error
    }

    func requests(to path: String) -> Int {
        world.log.events.count { $0.name == "request" && $0["path"]?.contains(path) == true }
    }

    struct NotAccepted: Error { let outcome: RESTOutcome }
}
