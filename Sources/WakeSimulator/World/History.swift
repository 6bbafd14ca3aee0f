/// What happened, in words, for the reader of a failing seed.
struct History {
    let isKept: Bool
    private(set) var lines: [String] = []

    init(isKept: Bool) { self.isKept = isKept }

    mutating func add(_ time: Int64, _ text: @autoclosure () -> String) {
        guard isKept else { return }
        let milliseconds = time / 1000
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        lines.append("\(milliseconds / 1000).\(fraction) s  \(text())")
    }
}
