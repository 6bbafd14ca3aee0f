import DiscordProtocol
import DiscordTransport
import GatewayClient
import Logging
import ReveilleConfiguration
import ServiceLifecycle
import Synchronization
import WakeCore
import WakeService

/// The gateways that the daemon stands beside: a link to each, and a second witness where there is a token to read with.
struct Gateways {
    let links: [GatewayLink]
    private let readers: [DiscordReader]
    private let door = Door()

    /// Where the links report to; known only once they are.
    private final class Door: Sendable {
        private let waker = Mutex<Waker?>(nil)

        func open(to waker: Waker) { self.waker.withLock { $0 = waker } }

        func isDurable() async -> Bool { await waker.withLock(\.self)?.outlook() != nil }
    }

    /// Joins them; nothing starts.
    init(
        _ configuration: Configuration, _ surroundings: Surroundings, store: any TransportSessionStore, sink: any ReadinessSink,
        moments: any MomentSource, dice: any DiceSource, logger: Logger
    ) {
        var links: [GatewayLink] = []
        var readers: [DiscordReader] = []
        for settings in configuration.gateways.values.sorted(by: { $0.name < $1.name }) {
            let access = GatewayAccess(settings, in: surroundings, ledgerFolder: configuration.ledger.directory)
            let reader = Self.reader(access, moments: moments, logger: logger)
            if let reader { readers.append(reader) }
            links.append(
                GatewayLink(
                    GatewayLink.Settings(access),
                    GatewayLink.Parts(
                        credentials: { try await access.credentials() }, store: store, reader: reader, sink: sink,
                        isDurable: { [door] in await door.isDurable() }, moments: moments, dice: dice), logger: logger))
        }
        self.links = links
        self.readers = readers
    }

    /// A token that can't be read costs the second witness, and no wake.
    private static func reader(_ access: GatewayAccess, moments: any MomentSource, logger: Logger) -> DiscordReader? {
        do {
            guard let token = try access.botToken() else { return nil }
            guard let token = BotToken(token.reveal()) else {
                throw Complaint(.configuration, "the bot token is not one line of visible characters")
            }
            let settings = try DiscordSettings(
                token: token, channel: ChannelName.discord().through(gateway: access.settings.name),
                apiBase: "\(access.settings.discordAPIBase)")
            return DiscordReader(settings: settings, moments: moments, logger: logger)
        } catch {
            logger.warning(
                "there is no second witness: the bot token can't be read",
                metadata: [LogKey.place: "\(access.settings.target)", LogKey.error: "\(error)"])
            return nil
        }
    }

    /// Everything that runs, to be stopped in reverse.
    func services(_ waker: Waker) -> [any Service] {
        door.open(to: waker)
        return readers.map { reader in CancelledService("reader of \(reader.channel)") { await reader.run() } }
            + links.map { link in CancelledService("gateway") { await link.run { waker.post($0) } } }
    }
}

extension GatewayLink.Settings {
    /// As the configuration says.
    init(_ access: GatewayAccess) {
        let settings = access.settings
        self.init(name: settings.name, address: access.address)
        connection = access.connection
        adoption =
            switch settings.adoption {
            case .off: .off
            case .net: .net
            case .own: .own
            }
        sentinelFile = settings.stateDirectory.map { $0 + "/restart-sentinel.json" }
        resumes = { settings.resume.covers($0) }
        resumeWithin = settings.resume.within
        resumeLimit = settings.resume.limit
        missedMessages = settings.missedMessages
        missedWithin = settings.missedWithin
    }
}
