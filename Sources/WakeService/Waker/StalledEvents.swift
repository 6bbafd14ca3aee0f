import WakeCore

/// Events that wait for room on the disk, in their order. What only repeats or replaces another is kept once, so that a channel that
/// flaps for days does not fill the memory as well.
struct StalledEvents {
    private var facts: [Event] = []
    private var permits: [Event] = []

    /// Takes an event in.
    mutating func keep(_ event: Event) {
        switch event {
        // The timer is armed again when there is room.
        case .timePassed: return
        case .channelChanged(let name, _):
            // Only the last state counts; a new generation tells itself apart.
            facts.removeAll { if case .channelChanged(name, _) = $0 { true } else { false } }
            facts.append(event)
        case .permitGranted: if !permits.contains(event) { permits.append(event) }
        default: if !facts.contains(event) { facts.append(event) }
        }
    }

    /// Empties it: facts first, then permits, so that nothing is sent through a gate that has closed meanwhile.
    mutating func takeAll() -> ArraySlice<Event> {
        defer { (facts, permits) = ([], []) }
        return (facts + permits)[...]
    }
}
