/// The sentinels that ended last, so that a request that comes twice is known again.
struct RecentSentinels: Sendable {
    private var known: Set<SentinelID> = []
    private var ring: [SentinelID] = []
    private var oldest = 0

    /// How many are remembered.
    static let count = 4096

    mutating func insert(_ id: SentinelID) {
        guard known.insert(id).inserted else { return }
        if ring.count < Self.count {
            ring.append(id)
        } else {
            known.remove(ring[oldest])
            ring[oldest] = id
            oldest = (oldest + 1) % Self.count
        }
    }

    func contains(_ id: SentinelID) -> Bool { known.contains(id) }
}
