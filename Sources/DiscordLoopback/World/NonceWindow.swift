import DequeModule

/// What `enforce_nonce` remembers: which message an author made with a nonce, for as long as the window lasts.
///
/// The key is author and nonce; the channel is not part of it, since nobody says that it is.
struct NonceWindow {
    struct Key: Hashable {
        var author: Snowflake
        var nonce: String
    }

    struct Entry {
        var message: Snowflake
        var channel: Snowflake
        var at: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var order = Deque<Key>()

    var count: Int { entries.count }

    /// The message made with this nonce within the window.
    func find(_ key: Key, now: UInt64, window: Duration) -> Entry? {
        guard let entry = entries[key], now < entry.at + window.nanoseconds else { return nil }
        return entry
    }

    mutating func remember(_ key: Key, _ entry: Entry) {
        if entries.updateValue(entry, forKey: key) == nil { order.append(key) }
        while order.count > LoopbackLimits.nonces { entries[order.removeFirst()] = nil }
    }

    /// Forgets everything, as if the window had passed.
    mutating func expire() {
        entries = [:]
        order = []
    }
}
