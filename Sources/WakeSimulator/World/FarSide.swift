internal import WakeCore
internal import WakeTesting

/// One account of the far side, with its gateway session.
struct Account {
    let name: ChannelName
    /// Whether the gateway can be reached.
    var isOnline = true
    /// Whether REST requests get through.
    var restWorks = true
    /// Whether the token is good.
    var isAccepted = true
    /// The daemon of this life was told that it is ready.
    var isReported = false
    var generation: UInt64 = 0
    /// Events that a resume would replay.
    var missed: [(DeliveryID, Receipt)] = []
    var isResumable = false

    init(name: ChannelName) { self.name = name }
}

/// One place of the far side: what is really there.
struct FarPlace {
    struct Message {
        let id: Int
        let storedAt: Int64
        let trailer: String
        let nonce: String
        let isMarked: Bool
        var isDeleted = false
    }

    var exists = true
    var maySend = true
    var mayReadHistory = true
    var messages: [Message] = []
    /// How long each nonce is remembered, and for which message.
    var nonces: [String: (index: Int, until: Int64)] = [:]
    /// Other people's messages: when, and how many.
    var noise: [(at: Int64, count: Int)] = []
}

/// One run of an agent's turn.
struct TurnRun {
    let nonce: String
    let at: Int64
}

/// A unit of the service manager.
struct Unit {
    let name: String
    let isNotify: Bool
    var epochNumber = 1
    var isUp = true
    var upSince: Int64 = -1_000_000_000
    var epochSince: Int64 = -1_000_000_000
    /// Grows with each incident: what was planned for an older one is void.
    var incident = 0

    var target: RestartTarget { .unit(name) }

    init(name: String, isNotify: Bool) {
        self.name = name
        self.isNotify = isNotify
    }

    func epoch(_ boot: BootID) -> Epoch { .token("\(boot) \(name) \(epochNumber)") }
}

/// One run of a command.
struct CommandRun {
    let begunAt: Int64
    let result: Sentinel.CommandResult
    var isOver = false
}
