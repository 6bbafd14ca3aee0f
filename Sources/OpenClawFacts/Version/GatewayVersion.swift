/// The version of a gateway: year, month and patch, such as `2026.3.2`, with what may follow.
///
/// Later builds of one version end with a number (`2026.3.13-1`), earlier ones with a word (`2026.3.13-beta.2`).
public struct GatewayVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The year, such as 2026.
    public let year: Int
    /// The month, from 1 to 12.
    public let month: Int
    /// The number within the month, often the day.
    public let patch: Int
    /// What follows: later builds above 0, the version itself 0, builds ahead of it below 0.
    private let build: Int

    /// Makes a version.
    public init(_ year: Int, _ month: Int, _ patch: Int = 0) { self.init(year, month, patch, build: 0) }

    private init(_ year: Int, _ month: Int, _ patch: Int, build: Int) {
        self.year = year
        self.month = month
        self.patch = patch
        self.build = build
    }

    /// Reads a version as gateways print it, with or without a `v`; what follows a `+` or a blank does not count.
    ///
    /// - Returns: nil for a build without one, such as `dev` or `unknown`: then nothing is known of what the gateway does.
    public init?(_ text: String) {
        var text = text.trimmed[...]
        if text.first == "v" || text.first == "V" { text = text.dropFirst() }
        text = text.prefix { !$0.isWhitespace && $0 != "+" }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let numbers = Self.numbers(parts[0]) else { return nil }
        var build = 0
        if parts.count == 2 { build = Self.build(parts[1]) }
        self.init(numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0, build: build)
    }

    private static func numbers(_ text: Substring) -> [Int]? {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { part -> Int? in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
        }
        guard (2...4).contains(numbers.count), let year = numbers[0], let month = numbers[1], (2000...2999).contains(year),
            (1...12).contains(month)
        else { return nil }
        let whole = numbers.compactMap { $0 }
        return whole.count == numbers.count ? whole : nil
    }

    /// `1` is a later build; `beta.2` comes ahead of the version, and behind `beta.1`.
    private static func build(_ suffix: Substring) -> Int {
        if let number = Int(suffix), number >= 0 { return min(number, 999) }
        let number = suffix.split(separator: ".").last.flatMap { Int($0) } ?? 0
        return -1_000 + min(max(number, 0), 999)
    }

    /// For people, with the later build where it is one.
    public var description: String {
        "\(year).\(month).\(patch)" + (build > 0 ? "-\(build)" : build < 0 ? "-pre.\(build + 1_000)" : "")
    }

    /// By time of release.
    public static func < (left: GatewayVersion, right: GatewayVersion) -> Bool {
        (left.year, left.month, left.patch, left.build) < (right.year, right.month, right.patch, right.build)
    }
}
