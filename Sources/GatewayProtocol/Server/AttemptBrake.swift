/// Slows down whoever guesses: each failed attempt of an address doubles its wait, which is forgotten after a while.
public struct AttemptBrake: Sendable {
    private struct Record {
        var failures: Int
        var last: Int64
    }

    /// The wait after the first failure, and the longest one, in milliseconds.
    public static let firstMilliseconds: Int64 = 250
    /// The longest wait.
    public static let longestMilliseconds: Int64 = 10_000
    /// After which time without a failure an address is forgotten.
    public static let memoryMilliseconds: Int64 = 60_000
    /// The most addresses that are kept.
    public static let maximumAddresses = 4_096

    private var records: [String: Record] = [:]

    /// Makes one that remembers nothing.
    public init() {}

    /// How many milliseconds an answer to that address must wait.
    public func wait(_ address: String, at now: Int64) -> Int64 {
        guard let record = records[address], now - record.last < Self.memoryMilliseconds else { return 0 }
        return min(Self.longestMilliseconds, Self.firstMilliseconds << Int64(min(record.failures - 1, 16)))
    }

    /// An attempt failed.
    public mutating func failed(_ address: String, at now: Int64) {
        if records.count >= Self.maximumAddresses {
            records = records.filter { now - $0.value.last < Self.memoryMilliseconds }
            if records.count >= Self.maximumAddresses, let oldest = records.min(by: { $0.value.last < $1.value.last }) {
                records[oldest.key] = nil
            }
        }
        let before = wait(address, at: now) > 0 ? records[address]?.failures ?? 0 : 0
        records[address] = Record(failures: before + 1, last: now)
    }

    /// An attempt succeeded: what was held against the address is forgotten.
    public mutating func succeeded(_ address: String) { records[address] = nil }
}
