public import WakeCore
public import WakeService

/// A lookup that says what it was told to say, and else that it can't tell.
public final class ScriptedReceiptLookup: ReceiptLookup, ChannelServant {
    private struct Script {
        var next: [ReceiptSearch] = []
        var receipts: [String: Receipt] = [:]
        var mayReadHistory = true
        var isDown = false
        var searched: [SearchOrder] = []
    }

    /// The channel that it searches.
    public let channel: ChannelName
    private let script = Witness(Script())

    /// A lookup in an empty history.
    public init(channel: ChannelName = .discord()) { self.channel = channel }

    /// What the next searches come to; after them the history decides.
    public func answer(_ searches: ReceiptSearch...) { script.change { $0.next += searches } }

    /// A message with that last line is in the history.
    public func put(_ receipt: Receipt, trailer: String) { script.change { $0.receipts[trailer] = receipt } }

    /// Whether history may be read.
    public func allowHistory(_ isAllowed: Bool) { script.change { $0.mayReadHistory = isAllowed } }

    /// Whether the far side answers at all.
    public func setDown(_ isDown: Bool) { script.change { $0.isDown = isDown } }

    /// What was searched for, in order.
    public var searched: [SearchOrder] { script.value.searched }

    /// Returns once that many searches were made.
    public func waitForSearches(_ count: Int) async { await script.wait { $0.searched.count >= count } }

    /// Searches for the receipt.
    public func search(_ order: SearchOrder) async -> ReceiptSearch {
        script.change { script in
            script.searched.append(order)
            if !script.next.isEmpty { return script.next.removeFirst() }
            if script.isDown { return .tryAgain(reason: "no answer", retryAfter: nil) }
            guard script.mayReadHistory else { return .cannotTell(reason: "history may not be read") }
            return script.receipts[order.trailer].map { .found($0) } ?? .absent
        }
    }
}
