import Metrics
import WakeCore

/// What is counted, through whatever backend the program has set up; without one, nothing is.
public enum Measure {
    /// Decisions, by `event`: the codes of ``WakeCore/Decision``.
    public static let decisions = "reveille_decisions_total"
}

extension Decision {
    /// Counts it. The counters are made at the first use, so after the backend was set up.
    func count() { Self.counters[code]?.increment() }

    private static let counters: [Code: Counter] = Dictionary(
        uniqueKeysWithValues: Code.allCases.map {
            ($0, Counter(label: Measure.decisions, dimensions: [("event", $0.rawValue)]))
        })
}
