import WakeCore

/// The MESSAGE_ID of each event that a person may want explained: `journalctl -x` shows what units/reveille.catalog says of it.
public enum JournalMessage {
    /// By event, as ``WakeService/LogKey/event`` names it; of `channelChanged` by the state's first word.
    public static let identifiers: [String: String] = [
        "ready": "c85b6c4db6a34207b55f700f691bfb3e",
        "stopped": "82a48194034f4553b4ad0b0879830939",
        "sentinelArmed": "00402c2f1ebf4899bed74d02e8f66d55",
        "sentinelRestarting": "b1c19ac25261401498a4d3a1fb4e42c2",
        "sentinelFired": "cf6d3f18d14e4535ad4ef6237f0f67cc",
        "sentinelNotRestarted": "82d3441109644b4f972c2e742d2b59b1",
        "sentinelTargetFailed": "016e029c698641dea7cb0bd828cac302",
        "sentinelExpired": "a7d5ef83d76e4170b69de13a90f7521f",
        "wakeOpened": "13e5dfc2bb494b67b0e86e0e6923913e",
        "deliveryDelivered": "ce5e00984c79446ca9dff1226e2a3577",
        "deliveryDead": "69f340feaccd43aa9a4f380e90168497",
        "deliveryExpired": "b0cb48ffcefb4d29a20f3025818ef390",
        "deliveryUnresolved": "2f5172e788c047c1afb73b210bd2150a",
        "gateShutLong": "7ffe01fa01c6484cb0a08ebce6da5aba",
        "fallbackTaken": "9e63f57101f14b07929442d5f0f50e05",
        "channelChanged ready": "5420fdd66d484361a40b3771d6952bd9",
        "channelChanged down": "ca246da4e857464d8fbd8819ef837cc3",
        "channelChanged blocked": "2ce6f6d2075846cba715e95e79935adf",
        "ledgerFull": "cac5a59d7516438ca9e263d4647f92f2",
        "ledgerNotTrusted": "78c0b084629743ea9b1d6500bfad2523",
        "claimsRefused": "0403d54675f44cdb8bff0b487d956985",
        "busAbsent": "71e0989bd8964ea5befdc56f44412d8e",
        "stopHeldUp": "945a438b3e244f03a40518bbd2d28949",
    ]

    /// The id of an event's line; nil if it needs no words.
    static func id(of event: String, reason: String?) -> String? {
        let state = reason?.prefix { $0.isLetter } ?? ""
        return identifiers[event] ?? identifiers["\(event) \(state)"]
    }

    /// The channel that a place belongs to; nil if it is neither a channel nor a route.
    static func channel(in place: String) -> String? { (Route(place)?.channel ?? ChannelName(place))?.description }
}
