import Foundation
import WakeCore

/// Prints lines and JSON on standard output.
enum Printing {
    static func line(_ text: String) { whole(text + "\n") }

    /// A text as it is, without a line end of ours.
    static func whole(_ text: String) {
        if StandardStream.write(text, to: STDOUT_FILENO) { return }
        Complaint(
            .inputOutput, "what was done can't be told: standard output can't be written: \(String(cString: strerror(errno)))",
            hint: "Look before you ask again: 'reveille status' shows what is open."
        ).leave()
    }

    static func json(_ value: JSONValue) { line(value.text) }

    /// Columns as wide as their widest cell; the last one is cut to nothing.
    static func table(_ header: [String], _ rows: [[String]]) {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [header] + rows {
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            line(cells.joined(separator: "  "))
        }
    }

    /// One thing: a name and a value a line; a row without a value is left out.
    static func rows(_ rows: [(String, String?)]) {
        for (key, value) in rows {
            if let value { line("\(key.padding(toLength: 9, withPad: " ", startingAt: 0)) \(value)") }
        }
    }

    /// A text from outside on one line: control characters shown as escapes, so that no note can draw on the operator's terminal.
    static func oneLine(_ text: String, maximumCharacters: Int = 60) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            let isControl =
                scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
            shown += scalar == "\n" ? "⏎" : isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(Character(scalar))
            if shown.count > maximumCharacters { return shown.prefix(maximumCharacters - 1) + "…" }
        }
        return shown
    }

    /// Whether standard output is a terminal.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

/// A wall time as people and JSON write it, UTC to the millisecond.
enum WallTime {
    static func text(_ moment: Moment) -> String { text(milliseconds: moment.wallMilliseconds) }

    static func text(milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// "3 s ago", by the wall clock.
    static func ago(_ moment: Moment, now: Moment) -> String {
        let elapsed = now.elapsed(since: moment) ?? .milliseconds(max(0, now.wallMilliseconds - moment.wallMilliseconds))
        return NoticeText.span(elapsed) + " ago"
    }
}
