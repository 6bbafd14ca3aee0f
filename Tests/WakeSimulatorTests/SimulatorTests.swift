import Testing
import WakeSimulator

@Suite("The simulated world")
struct SimulatorTests {
    @Test("keeps every promise over a few thousand restarts", .timeLimit(.minutes(10)))
    func promises() {
        var statistics = SimulationStatistics()
        for seed in 1...150 as ClosedRange<UInt64> {
            let result = Simulation(seed: seed).run()
            #expect(result.violation == nil, "seed \(seed): replay with simulate --seed \(seed) --history")
            statistics += result.statistics
        }
        // A world in which nothing happens keeps every promise too.
        #expect(statistics.restarts > 2000 && statistics.wakes > 1000 && statistics.messages > 800, "\(statistics)")
        #expect(statistics.crashes > 100 && statistics.boots > 500, "\(statistics)")
    }

    @Test("the same seed gives the same history, to the letter", arguments: [3, 44, 555] as [UInt64])
    func determinism(seed: UInt64) {
        var options = SimulationOptions()
        options.keepsHistory = true
        let first = Simulation(seed: seed, options: options).run().history
        let second = Simulation(seed: seed, options: options).run().history
        #expect(first.count > 100)
        #expect(first == second)
        #expect(Simulation(seed: seed + 1, options: options).run().history != first)
    }

    @Test("a history is kept only when asked for, and changes nothing")
    func history() {
        var options = SimulationOptions()
        options.keepsHistory = true
        let told = Simulation(seed: 8, options: options).run()
        let silent = Simulation(seed: 8).run()
        #expect(silent.history.isEmpty)
        #expect(told.statistics.events == silent.statistics.events && told.statistics.sends == silent.statistics.sends)
    }

    @Test("a disk that says 'done' before it is loses what was acknowledged, and is seen")
    func negativeControl() {
        var options = SimulationOptions()
        options.syncsEachCommit = false
        let seen = (1...20 as ClosedRange<UInt64>).compactMap { Simulation(seed: $0, options: options).run().violation?.checker }
        #expect(seen.contains(.lost))
        #expect(seen.count > 10, "\(seen)")
    }
}
