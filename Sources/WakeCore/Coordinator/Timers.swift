/// Something to look at at a point of boottime. Timers are never taken back: whoever is looked at decides whether it still matters.
public struct Timer: Hashable, Sendable {
    /// What to look at.
    public enum Subject: Hashable, Sendable {
        /// A sentinel's delay or lifetime.
        case sentinel(SentinelID)
        /// The end of a delivery's backoff, which began then.
        case wait(DeliveryID, since: Moment)
        /// The next search for a receipt.
        case search(DeliveryID)
        /// Somebody else's chance to deliver it is over.
        case brief(DeliveryID)
        /// The end of a delivery's hold.
        case hold(DeliveryID)
        /// A gate that may have been shut for long.
        case escalation(DeliveryID)
        /// A route to check again, if nobody has since that check.
        case route(Route, since: Moment)
        /// A channel to probe, if it is still in the doubt that began then.
        case probe(ChannelName, since: Moment)
        /// An epoch that may have settled.
        case settle(RestartTarget, Epoch)
        /// A lease that may have run out.
        case lease(String)
        /// A job that may be due, and when that is by the wall clock, in milliseconds since 1970-01-01 UTC.
        case job(JobID, due: Int64)
        /// The wall clock, which may have been stepped over the time of a job.
        case jobClock
        /// An agent's heartbeat.
        case beat(String)
    }

    /// When, in microseconds of boottime.
    public let dueMicroseconds: Int64
    /// What to look at.
    public let subject: Subject
}

/// A binary heap of timers, earliest first. What is due is read without changing it.
struct Timers: Hashable, Sendable {
    private var heap: [Timer] = []

    var nextDueMicroseconds: Int64? { heap.first?.dueMicroseconds }

    mutating func insert(_ timer: Timer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0, heap[child].dueMicroseconds < heap[(child - 1) / 2].dueMicroseconds {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Everything due up to then, earliest first: the part of the heap at its root.
    func due(upToMicroseconds now: Int64) -> [Timer] {
        var found: [Timer] = []
        var open = [0]
        while let index = open.popLast() {
            guard index < heap.count, heap[index].dueMicroseconds <= now else { continue }
            found.append(heap[index])
            open += [2 * index + 2, 2 * index + 1]
        }
        return found.sorted { $0.dueMicroseconds < $1.dueMicroseconds }
    }

    mutating func removeAll(upToMicroseconds now: Int64) {
        while let first = heap.first, first.dueMicroseconds <= now {
            heap.swapAt(0, heap.count - 1)
            heap.removeLast()
            sink()
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].dueMicroseconds < heap[least].dueMicroseconds { least = child }
            }
            if least == parent { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
