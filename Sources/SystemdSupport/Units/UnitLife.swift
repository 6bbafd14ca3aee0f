public import WakeCore

/// One watched unit: makes of what the service manager shows what the waker must hear. Pure.
public struct UnitLife: Hashable, Sendable {
    /// What there is to tell.
    public enum News: Hashable, Sendable {
        /// It is up in that run.
        case up(invocation: String, settled: Bool, story: RestartStory?)
        /// It is not up; what becomes of it is still to be seen.
        case down
        /// Nobody will start it again.
        case gaveUp(reason: String)
    }

    /// Where it stands, as far as it was told.
    private enum Told: Hashable {
        /// Nothing was told. Can transition to: all others.
        case nothing
        /// Up in that run. Can transition to: `up` (another run), `down`, `gaveUp`.
        case up(String)
        /// Down. Can transition to: `up`, `gaveUp`.
        case down
        /// Given up, in that run and with its file in that state. Can transition to: `up`, `gaveUp` (another run), `down`.
        case gaveUp(String)
    }

    private var told = Told.nothing
    /// How a run ended, and when, in microseconds of CLOCK_MONOTONIC.
    private struct Death: Hashable {
        let words: String
        let microseconds: Int64
    }

    private var death: Death?
    /// When the run that was told last became active: an end before that is not its own, however late its signal comes.
    private var enteredMicroseconds: Int64 = 0

    /// A unit that nobody has looked at.
    public init() {}

    /// Something changed: only ends are kept in mind, since the next run hides them.
    public mutating func heard(_ changed: UnitSnapshot) {
        if let words = changed.death { death = Death(words: words, microseconds: changed.endedMicroseconds) }
    }

    /// It was looked at.
    ///
    /// - Returns: what is new.
    public mutating func looked(_ unit: UnitSnapshot) -> News? {
        switch unit.activeState {
        case "active", "reloading", "refreshing": return up(unit)
        case "failed": return gaveUp(unit, unit.death ?? "it failed")
        case "inactive" where unit.loadState == "masked": return gaveUp(unit, "it is masked, so nothing can start it")
        case "inactive" where unit.loadState == "not-found": return gaveUp(unit, "there is no such unit")
        case "": return nil
        default:
            heard(unit)
            switch told {
            case .down: return nil
            // What starts after it was given up on is not down for longer than before.
            case .gaveUp where unit.activeState == "activating": return nil
            case .nothing, .up, .gaveUp:
                told = .down
                return .down
            }
        }
    }

    private mutating func up(_ unit: UnitSnapshot) -> News? {
        guard let invocation = unit.invocation, told != .up(invocation) else { return nil }
        told = .up(invocation)
        defer { enteredMicroseconds = unit.enteredMicroseconds }
        return .up(invocation: invocation, settled: unit.isSettledWhenActive, story: story(unit))
    }

    private func story(_ unit: UnitSnapshot) -> RestartStory {
        if let death, death.microseconds >= enteredMicroseconds {
            return RestartStory(.crash, detail: death.words, down: unit.down)
        }
        guard unit.automaticRestarts > 0 else { return RestartStory(.restart, down: unit.down) }
        return RestartStory(.restart, detail: "it ended by itself", down: unit.down)
    }

    private mutating func gaveUp(_ unit: UnitSnapshot, _ reason: String) -> News? {
        let run = (unit.invocation ?? "") + unit.loadState
        guard told != .gaveUp(run) else { return nil }
        told = .gaveUp(run)
        return .gaveUp(reason: reason)
    }
}
