import Glibc
import WakeService

let clock = ContinuousClock()

func microseconds(_ times: [Duration], _ part: Double) -> Int {
    guard !times.isEmpty else { return -1 }
    let time = times.sorted()[Int(Double(times.count - 1) * part)]
    return Int(Double(time.components.attoseconds) / 1e12 + Double(time.components.seconds) * 1e6)
}

func systemMoments() throws -> SystemMoments { try SystemMoments(environment: [:]) }
