import Glibc
import WakeSimulator

/// What was asked for on the command line.
struct Arguments {
    var restarts = 200_000
    var seconds: Int?
    var seed: UInt64?
    var firstSeed: UInt64 = 1
    var keepsHistory = false
    var workers = 2
    var losesCommits = false
    var until: Checker?

    static let usage = """
        usage: simulate [--restarts N] [--seconds S] [--first-seed N] [--workers N]
                        [--until CHECKER] [--lose-commits]
               simulate --seed N [--history]

          --restarts N     run seeds until the daemon has been started this often; default 200000
          --seconds S      stop after this long, whatever was reached
          --first-seed N   where to begin; default 1
          --workers N      threads; default 2
          --seed N         run one seed alone
          --history        print what happened in it
          --until CHECKER  go on after other violations until this checker trips; then exit 1
          --lose-commits   the negative control: a disk that says "done" before it is; must end with a violation
        """

    init(_ words: [String]) {
        var words = words[...]
        func number() -> UInt64 {
            guard let word = words.popFirst(), let value = UInt64(word) else { Self.refuse("a number is missing") }
            return value
        }
        while let word = words.popFirst() {
            switch word {
            case "--restarts": restarts = Int(clamping: number())
            case "--seconds": seconds = Int(clamping: number())
            case "--seed": seed = number()
            case "--first-seed": firstSeed = number()
            case "--workers": workers = max(1, Int(clamping: number()))
            case "--history": keepsHistory = true
            case "--lose-commits": losesCommits = true
            case "--until":
                guard let name = words.popFirst(), let checker = Checker(rawValue: name) else { Self.refuse("no such checker") }
                until = checker
            case "--help", "-h":
                print(Self.usage)
                exit(0)
            default: Self.refuse("unknown argument '\(word)'")
            }
        }
    }

    static func refuse(_ problem: String) -> Never {
        say("Error: \(problem)\nTry: simulate --help\n")
        exit(64)
    }
}

/// Writes to standard error.
func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Adds up what many worlds did.
struct Summary {
    var statistics = SimulationStatistics()
    var failures: [SimulationResult] = []

    mutating func add(_ other: Summary) {
        statistics += other.statistics
        failures += other.failures
    }

    /// The closing line.
    func line(after seconds: Double) -> String {
        let rate = seconds > 0 ? Int(Double(statistics.restarts) / seconds) : 0
        let verdict = failures.isEmpty ? "every promise kept" : "BROKEN"
        return "\(statistics.seeds) seeds, \(statistics.restarts) restarts (\(rate)/s), \(statistics.boots) boots, "
            + "\(statistics.crashPoints) crash points, \(statistics.crashes) cut off in a step, \(statistics.requests) requests, "
            + "\(statistics.wakes) wakes, \(statistics.sends) sends, \(statistics.messages) messages, \(statistics.turns) turns, \(statistics.jobs) times of jobs, "
            + "\(Int(seconds)).\(Int(seconds * 10) % 10) s: \(verdict)"
    }
}

/// Runs a batch of seeds, up to the first violation.
func runBatch(_ seeds: Range<UInt64>, _ options: SimulationOptions, until: Checker?) -> Summary {
    var summary = Summary()
    for seed in seeds {
        let result = Simulation(seed: seed, options: options).run()
        summary.statistics += result.statistics
        guard let violation = result.violation, until == nil || violation.checker == until else { continue }
        summary.failures.append(result)
        break
    }
    return summary
}

func runMany(_ arguments: Arguments, _ options: SimulationOptions) async -> Summary {
    let began = ContinuousClock.now
    let isTerminal = isatty(STDERR_FILENO) == 1
    var summary = Summary()
    var next = arguments.firstSeed
    let batch: UInt64 = 32
    await withTaskGroup(of: Summary.self) { group in
        for _ in 0..<arguments.workers {
            let seeds = next..<next + batch
            next += batch
            group.addTask { runBatch(seeds, options, until: arguments.until) }
        }
        while let done = await group.next() {
            summary.add(done)
            let elapsed = ContinuousClock.now - began
            if isTerminal { say("\r\(summary.statistics.seeds) seeds, \(summary.statistics.restarts) restarts") }
            let isOver = arguments.seconds.map { elapsed >= .seconds($0) } ?? false
            guard summary.failures.isEmpty, summary.statistics.restarts < arguments.restarts, !isOver else { continue }
            let seeds = next..<next + batch
            next += batch
            group.addTask { runBatch(seeds, options, until: arguments.until) }
        }
    }
    if isTerminal { say("\n") }
    return summary
}

let arguments = Arguments(Array(CommandLine.arguments.dropFirst()))
var options = SimulationOptions()
options.keepsHistory = arguments.keepsHistory
options.syncsEachCommit = !arguments.losesCommits
let began = ContinuousClock.now
var summary = Summary()
if let seed = arguments.seed {
    let result = Simulation(seed: seed, options: options).run()
    for line in result.history { print(line) }
    summary.statistics = result.statistics
    if result.violation != nil { summary.failures = [result] }
} else {
    summary = await runMany(arguments, options)
}
let components = (ContinuousClock.now - began).components
let seconds = Double(components.seconds) + Double(components.attoseconds) * 1e-18
for failure in summary.failures.sorted(by: { $0.seed < $1.seed }) {
    guard let violation = failure.violation else { continue }
    print("seed \(failure.seed), at \(violation.atMicroseconds / 1_000_000) s: \(violation)")
    print("  replay: simulate --seed \(failure.seed) --history\(arguments.losesCommits ? " --lose-commits" : "")")
}
print(summary.line(after: seconds))
exit(summary.failures.isEmpty ? 0 : 1)
