/// Finds what somebody most likely meant.
enum NearestKey {
    /// Longer words are not compared, so that a hostile file costs no time.
    static let wordMaximumBytes = 64

    /// The candidate with the fewest edits to `word`, case and separators aside; nil if none is near.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        guard !word.isEmpty, word.utf8.count <= wordMaximumBytes else { return nil }
        let plainWord = plain(word)
        let ranked = candidates.map { (edits: edits(plainWord, plain($0)), candidate: $0) }
        guard let best = ranked.min(by: { ($0.edits, $0.candidate) < ($1.edits, $1.candidate) }) else { return nil }
        return best.edits <= max(1, min(plainWord.count, best.candidate.utf8.count) / 3) ? best.candidate : nil
    }

    /// Lower case, without `_` and `-`: `escalate_after` is `escalateAfter`.
    private static func plain(_ word: String) -> [UInt8] {
        word.lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
    static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var best = min(current[column] + 1, last[column + 1] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
