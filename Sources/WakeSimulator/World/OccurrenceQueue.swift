/// What is to come, earliest first; of the same instant, in the order in which it was planned.
struct OccurrenceQueue {
    private struct Entry {
        let time: Int64
        let number: Int64
        let slot: Int
    }

    private var heap: [Entry] = []
    private var slots: [Occurrence?] = []
    private var free: [Int] = []
    private var planned: Int64 = 0

    var nextTime: Int64? { heap.first?.time }

    mutating func plan(_ occurrence: Occurrence, at time: Int64) {
        let slot = free.popLast() ?? slots.count
        if slot == slots.count { slots.append(occurrence) } else { slots[slot] = occurrence }
        planned += 1
        heap.append(Entry(time: time, number: planned, slot: slot))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> Occurrence? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) { least = child }
            if least == parent { break }
            heap.swapAt(least, parent)
            parent = least
        }
        defer {
            slots[first.slot] = nil
            free.append(first.slot)
        }
        return slots[first.slot]
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].number) < (heap[right].time, heap[right].number)
    }
}
