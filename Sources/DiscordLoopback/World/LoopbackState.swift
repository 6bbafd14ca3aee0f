import DequeModule
import Foundation

/// Everything that the loopback knows; one value behind one lock.
///
/// Methods live in extensions beside what they are about: World, REST, Gateway, Faults.
struct LoopbackState {
    let options: LoopbackOptions
    let log: LoopbackLog
    let time: LoopbackTime
    /// Where clients reach this server, e.g. `127.0.0.1:4711`; known once it listens.
    var address = ""

    // The world
    var mint = SnowflakeMint()
    var users: [Snowflake: User] = [:]
    var bots: [Snowflake: Bot] = [:]
    var guilds: [Snowflake: Guild] = [:]
    var channels: [Snowflake: Channel] = [:]
    /// Rising by id in each channel.
    var messages: [Snowflake: Deque<Message>] = [:]
    var nonces = NonceWindow()

    // The gateway
    var connections: [UInt64: Connection] = [:]
    var sessions: [String: Session] = [:]
    var identifies = IdentifyBudget()

    // REST
    var limiter = RateLimiter()
    var requests: UInt64 = 0
    /// While set, every request and handshake is answered with 503.
    var unavailable = false

    var faults = FaultBook()

    init(options: LoopbackOptions, log: LoopbackLog, time: LoopbackTime) {
        self.options = options
        self.log = log
        self.time = time
        seed()
    }

    var now: UInt64 { time.monotonicNanoseconds() }
    var scheme: (http: String, socket: String) { options.tls == nil ? ("http", "ws") : ("https", "wss") }

    mutating func newID() -> Snowflake { mint.next(wallMilliseconds: time.wallMilliseconds()) }

    func bot(withToken token: String) -> Bot? {
        bots.values.first { $0.token == token && !$0.revoked }
    }

    private mutating func seed() {
        let owner = User(id: 900_000_000_000_000_001, name: "operator", isBot: false)
        users[owner.id] = owner
        for (index, token) in options.tokens.enumerated() {
            let named = Data(base64Encoded: Self.padded(token.prefix { $0 != "." }))
            let id =
                named.flatMap { Snowflake(String(decoding: $0, as: UTF8.self)) } ?? 900_000_000_000_002_000 + Snowflake(index)
            let user = User(id: id, name: "loopback-bot-\(index + 1)", isBot: true)
            users[user.id] = user
            bots[user.id] = Bot(user: user, token: token, applicationID: user.id)
        }
        for seed in options.guilds {
            let everyone = Role(id: seed.id, name: "@everyone", permissions: .usual, position: 0)
            let botRole = Role(id: seed.id + 50, name: "bots", permissions: .usual, position: 1)
            var memberRoles: [Snowflake: [Snowflake]] = [owner.id: []]
            for bot in bots.keys { memberRoles[bot] = [botRole.id] }
            guilds[seed.id] = Guild(
                id: seed.id, name: seed.name, ownerID: owner.id, roles: [everyone, botRole], memberRoles: memberRoles)
            for channel in seed.channels { add(channel, to: seed.id) }
        }
    }

    private static func padded(_ base64: Substring) -> String {
        base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    }

    /// Puts a channel into a guild; tells nobody.
    mutating func add(_ seed: LoopbackOptions.ChannelSeed, to guild: Snowflake) {
        var channel = Channel(id: seed.id, kind: seed.kind, name: seed.name, guildID: guild, parentID: seed.parent)
        channel.position = channels.count
        if seed.kind.isThread {
            channel.thread = ThreadState(
                ownerID: guilds[guild]?.ownerID ?? 0, changedAt: timestamp(wallMilliseconds: time.wallMilliseconds()))
        }
        channels[seed.id] = channel
    }

    /// The channel of direct messages between a bot and a person; made when it is missing.
    mutating func directChannel(bot: Snowflake, recipient: Snowflake) -> Channel {
        if let known = channels.values.first(where: { $0.recipientID == recipient && $0.botID == bot }) { return known }
        var channel = Channel(id: newID(), kind: .direct, name: "", guildID: nil, parentID: nil)
        channel.recipientID = recipient
        channel.botID = bot
        channels[channel.id] = channel
        return channel
    }

    func message(_ id: Snowflake, in channel: Snowflake) -> Message? {
        index(of: id, in: channel).map { messages[channel]![$0] }
    }

    func index(of id: Snowflake, in channel: Snowflake) -> Int? {
        guard let stored = messages[channel] else { return nil }
        let place = lowerBound(of: id, in: channel)
        return place < stored.count && stored[place].id == id ? place : nil
    }

    /// The place of the first message whose id is not below this one.
    func lowerBound(of id: Snowflake, in channel: Snowflake) -> Int {
        guard let stored = messages[channel] else { return 0 }
        var low = 0
        var high = stored.count
        while low < high {
            let middle = (low + high) / 2
            if stored[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
