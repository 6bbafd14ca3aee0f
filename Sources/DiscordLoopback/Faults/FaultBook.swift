/// The faults that are still to strike, in the order in which they were given.
struct FaultBook {
    struct Entry {
        let id: Int
        let fault: LoopbackFault
        var left: Int
        var skip: Int
        var dice: UInt64
        var struck = 0
    }

    private(set) var entries: [Entry] = []
    private var next = 1

    mutating func add(_ fault: LoopbackFault) -> Int {
        defer { next += 1 }
        entries.append(
            Entry(id: next, fault: fault, left: fault.count == 0 ? .max : fault.count, skip: fault.skip, dice: fault.seed))
        return next
    }

    mutating func clear() { entries = [] }

    mutating func remove(_ id: Int) { entries.removeAll { $0.id == id } }

    /// The first fault that matches and is due; counts it.
    mutating func take(where matches: (LoopbackFault) -> Bool) -> LoopbackFault? {
        for index in entries.indices where matches(entries[index].fault) {
            if entries[index].skip > 0 {
                entries[index].skip -= 1
                continue
            }
            guard roll(&entries[index].dice) < entries[index].fault.probability else { continue }
            let fault = entries[index].fault
            entries[index].struck += 1
            entries[index].left -= 1
            if entries[index].left == 0 { entries.remove(at: index) }
            return fault
        }
        return nil
    }

    /// SplitMix64, as a fraction: the same seed gives the same story.
    private func roll(_ state: inout UInt64) -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }

    /// How long READY or RESUMED is held back this time, if a fault says so.
    mutating func readyDelay(_ log: LoopbackLog) -> Duration? {
        guard let fault = take(where: { $0.kind == .lateReady }) else { return nil }
        log.record("fault", ["fault": .string(fault.kind.rawValue)])
        return fault.delay ?? .seconds(4)
    }

    /// What is odd about this READY.
    mutating func readyQuirks(_ log: LoopbackLog) -> (numericGuilds: Bool, sequenceZero: Bool) {
        let numeric = take { $0.kind == .numericGuildIDs } != nil
        let zero = take { $0.kind == .readySequenceZero } != nil
        if numeric { log.record("fault", ["fault": .string(LoopbackFault.Kind.numericGuildIDs.rawValue)]) }
        if zero { log.record("fault", ["fault": .string(LoopbackFault.Kind.readySequenceZero.rawValue)]) }
        return (numeric, zero)
    }

    var json: JSON {
        .array(
            entries.map {
                [
                    "id": JSON($0.id), "fault": .string($0.fault.kind.rawValue), "struck": JSON($0.struck),
                    "left": $0.left > 1 << 40 ? "always" : JSON($0.left),
                ]
            })
    }
}
