internal import Synchronization
public import WakeCore
public import WakeService

/// SplitMix64: a small, fast generator of good quality. The same seed gives the same numbers on every machine.
public struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Seeds it.
    public init(seed: UInt64) { state = seed }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in 0..<bound; 0 where the bound is 0 or less.
    public mutating func below(_ bound: Int) -> Int {
        bound <= 0 ? 0 : Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number of the range, ends included.
    public mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        let span = UInt64(bitPattern: range.upperBound &- range.lowerBound) &+ 1
        return span == 0 ? Int64(bitPattern: next()) : range.lowerBound &+ Int64(next().multipliedFullWidth(by: span).high)
    }

    /// True in that many of a hundred cases.
    public mutating func percent(_ chance: Int) -> Bool { below(100) < chance }

    /// One of them.
    ///
    /// - Precondition: there is one.
    public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// Fresh dice for one step.
    public mutating func dice() -> Dice { Dice(high: next(), low: next()) }
}

/// Dice that fall alike for the same seed.
public final class SeededDice: DiceSource {
    private let generator: Mutex<SplitMix>

    /// Seeds them.
    public init(seed: UInt64 = 1) { generator = Mutex(SplitMix(seed: seed)) }

    /// Fresh dice for one step.
    public func roll() -> Dice { generator.withLock { $0.dice() } }
}
