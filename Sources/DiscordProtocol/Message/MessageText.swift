/// Makes a message that Discord takes out of a text of any length: at most 2,000 characters, nothing cut in half, the caller's
/// last line last.
///
/// Discord does not say how it counts characters. Here UTF-16 code units count, the largest of the usual counts, so that no
/// message is ever too long. Rule: Discord, resources/message, "Create Message".
public struct MessageText: Hashable, Sendable {
    /// The most that content may have, in UTF-16 code units.
    public static let maximumUnits = 2_000
    /// The most that an attachment may have; longer texts are cut there too, at a character.
    public static let maximumAttachmentBytes = 512 * 1024
    /// The name of the attachment.
    public static let attachmentName = "note.md"

    /// What to do with a text that is too long.
    public enum Overflow: Hashable, Sendable {
        /// Attach the whole text as `note.md` and say so.
        case attach
        /// Cut it and say this instead, such as how to see the whole.
        case cut(hint: String)
    }

    /// What is shown in the channel.
    public let content: String
    /// The whole text as a file, where it did not fit.
    public let attachment: [UInt8]?

    /// Whether the content holds less than the whole text.
    public let isCut: Bool

    /// Renders a text.
    ///
    /// Control characters but newline and tab go; line ends become `\n`; a line that could be taken for the last line of a notice
    /// gets a backslash; a code fence that is open at the end is closed, so that it does not swallow the last line.
    /// - Parameters:
    ///   - text: what to say.
    ///   - trailer: the last line, in one line, under 200 UTF-16 code units (more is cut).
    ///   - overflow: what to do with a text that is too long.
    public init(_ text: String, trailer: String, overflow: Overflow) {
        let trailer = Self.oneLine(trailer)
        let whole = Self.escaped(Self.cleaned(text), like: trailer)
        let tail = trailer.isEmpty ? "" : "\n" + trailer
        let complete = Self.fenceClosed(whole)
        if complete.utf16.count + tail.utf16.count <= Self.maximumUnits {
            content = complete.isEmpty ? trailer : complete + tail
            attachment = nil
            isCut = false
            return
        }
        let remark =
            switch overflow {
            case .attach: "\n… (all of it is in \(Self.attachmentName))"
            case .cut(let hint): "\n… (\(Self.oneLine(hint)))"
            }
        let room = Self.maximumUnits - tail.utf16.count - remark.utf16.count
        let start = Self.start(of: whole, units: room)
        content = (start.isEmpty ? String(remark.dropFirst()) : start + remark) + tail
        attachment = overflow == .attach ? Self.bytes(of: whole) : nil
        isCut = true
    }

    /// Without control characters; line ends become `\n`.
    static func cleaned(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        var previous: Unicode.Scalar = "\n"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\r", "\u{2028}", "\u{2029}", "\u{85}": scalars.append("\n")
            case "\n": if previous != "\r" { scalars.append("\n") }
            case "\t": scalars.append(scalar)
            default: if !isHidden(scalar) { scalars.append(scalar) }
            }
            previous = scalar
        }
        return String(scalars)
    }

    /// Control characters, and the marks that turn the direction of text, which can make a line read as another.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: scalar.properties.generalCategory == .control
        }
    }

    private static func oneLine(_ text: String) -> String {
        var line = cleaned(text).split(separator: "\n").joined(separator: " ")
        while line.utf16.count > 200 { line.removeLast() }
        return line
    }

    /// The trailer's kind is what comes before its last word: `-# reveille` of `-# reveille 0Az…`.
    private static func escaped(_ text: String, like trailer: String) -> String {
        let words = trailer.split(separator: " ").dropLast()
        guard !words.isEmpty else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let body = line.drop { $0.isWhitespace || $0 == ">" }
            let start = body.split(whereSeparator: \.isWhitespace).prefix(words.count).map { $0.lowercased() }
            guard start == words.map({ $0.lowercased() }) else { return String(line) }
            return line[..<body.startIndex] + "\\" + body
        }.joined(separator: "\n")
    }

    private static func bytes(of text: String) -> [UInt8] {
        let utf8 = Array(text.utf8)
        guard utf8.count > maximumAttachmentBytes else { return utf8 }
        var end = maximumAttachmentBytes
        // Back to the first byte of a character's encoding.
        while end > 0, utf8[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(utf8[..<end])
    }
}

// MARK: - Cutting

extension MessageText {
    /// The start of a text in at most so many UTF-16 code units, closing fence included.
    private static func start(of text: String, units: Int) -> String {
        // Room for the longest closing, which is only known after the cut.
        let room = units - closing(of: "> ```").utf16.count
        var end = text.startIndex
        var used = 0
        while end < text.endIndex {
            let size = text[end].utf16.count
            guard used + size <= room else { break }
            used += size
            end = text.index(after: end)
        }
        end = beforeBackticks(in: text, at: niceEnd(in: text, at: end))
        return fenceClosed(String(text[..<end]))
    }

    /// Back to the last line end, else to the last space, if one lies in the last fifth.
    private static func niceEnd(in text: String, at end: String.Index) -> String.Index {
        let start = text[..<end]
        let tail = start.suffix(400)
        guard tail.startIndex > text.startIndex else { return end }
        return tail.lastIndex(of: "\n") ?? tail.lastIndex { $0 == " " } ?? end
    }

    /// Back before a run of backticks that the cut would break.
    private static func beforeBackticks(in text: String, at end: String.Index) -> String.Index {
        guard end < text.endIndex, text[end] == "`" else { return end }
        let kept = text[..<end]
        return kept.lastIndex { $0 != "`" }.map { kept.index(after: $0) } ?? kept.startIndex
    }

    /// With an open code fence closed on a line of its own, in the quote that it was opened in.
    static func fenceClosed(_ text: String) -> String { text + closing(of: text) }

    private static func closing(of text: String) -> String {
        var openedIn: Substring?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var rest = line
            while let fence = nextFence(in: rest) {
                openedIn = openedIn == nil ? line : nil
                rest = rest[rest.index(fence, offsetBy: 3)...]
            }
        }
        guard let openedIn else { return "" }
        return openedIn.hasPrefix("> ") ? "\n> ```" : "\n```"
    }

    private static func nextFence(in line: Substring) -> Substring.Index? {
        var run = 0
        for index in line.indices {
            run = line[index] == "`" ? run + 1 : 0
            if run == 3 { return line.index(index, offsetBy: -2) }
        }
        return nil
    }
}
