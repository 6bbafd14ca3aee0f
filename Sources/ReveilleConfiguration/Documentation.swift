/// Renders the key table for docs/CONFIGURATION.md, so that the page can't disagree with the program.
public enum Documentation {
    /// The lines between which the page holds the table.
    public static let markers = (begin: "<!-- keys: begin (written by Documentation.keyTable) -->", end: "<!-- keys: end -->")

    /// The table of all keys in Markdown, with a line break at its end.
    public static func keyTable() -> String {
        var lines = ["| key | type and range | default | a change needs | meaning |", "| --- | --- | --- | --- | --- |"]
        for key in KeyTable.keys {
            let cells = ["`\(key.path)`", type(of: key.kind), fallback(of: key), key.change.rawValue, key.meaning]
            lines.append("| " + cells.map { $0.split(separator: "|").joined(separator: "\\|") }.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func fallback(of key: KeyDescriptor) -> String {
        switch key.fallback {
        case .text(let text): text.isEmpty ? "none" : "`\(text)`"
        case .found(let words): words
        case .none: "none"
        }
    }

    private static func type(of kind: ValueKind) -> String {
        switch kind {
        case .duration(let range):
            "duration, \(DurationText.format(range.lowerBound)) … \(DurationText.format(range.upperBound))"
        case .integer(let range): "whole number, \(range.lowerBound) … \(range.upperBound)"
        case .number(let range):
            "number, \(ConfigurationValue.number(range.lowerBound).text) … \(ConfigurationValue.number(range.upperBound).text)"
        case .flag: "`true` or `false`"
        case .choice(let words): "one of " + words.map { "`\($0)`" }.joined(separator: ", ")
        case .choices(let words): "list of " + words.map { "`\($0)`" }.joined(separator: ", ")
        case .path: "path, absolute or from `~/`"
        case .variableName: "name of a variable"
        case .restAddress: "`https://` address, or `http://` to this machine"
        case .gatewayAddress: "`wss://` address, or `ws://` to this machine"
        case .unitName: "unit"
        case .route: "route, `CHANNEL/channel:ID` or `CHANNEL/user:ID`"
        case .note: "text, 1 byte … 8 KiB"
        case .template: "text with fields, at most 8 KiB"
        case .session: "session key"
        case .quietHours: "`HH:MM-HH:MM`"
        case .list(let kind): "list of: \(kind.element)"
        case .secret: "secret"
        }
    }
}
