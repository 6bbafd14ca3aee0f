import Foundation
import Logging
import ReveilleConfiguration
import WakeCore
import WakeService

/// Writes log lines on standard error: for people on a terminal, as one JSON object a line elsewhere.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level {
        get { own ?? shared.level }
        set { own = newValue }
    }

    private var own: Logger.Level?
    private let shared: SharedLogLevel
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let isJSON: Bool

    init(label: String, level: SharedLogLevel, format: Configuration.Log.Format) {
        self.label = label
        shared = level
        isJSON = format == .json || (format == .auto && isatty(STDERR_FILENO) != 1)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let line = isJSON ? Self.json(label, event, all) : text(Self.now, event, all)
        // One write a line, so that lines of many threads don't mix. Where nobody reads any more, or the disk is full, the daemon goes on.
        _ = StandardStream.write(line + "\n", to: STDERR_FILENO)
    }

    private func text(_ now: String, _ event: LogEvent, _ all: [(key: String, value: Logger.Metadata.Value)]) -> String {
        let data = all.map { " \($0.key)=\(Self.shown("\($0.value)"))" }.joined()
        return "\(now) \(event.level.rawValue.uppercased()) \(event.message)\(data)"
    }

    private static var now: String { WallTime.text(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    /// One line of JSON, without its end.
    static func json(_ label: String, _ event: LogEvent, _ all: [(key: String, value: Logger.Metadata.Value)]) -> String {
        var line: JSONObject = [
            "time": .string(now), "level": .string(event.level.rawValue), "message": .string("\(event.message)"),
            "label": .string(label),
        ]
        for (key, value) in all { line[key] = .string("\(value)") }
        return JSONValue.object(line).text
    }

    private static func shown(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && !(0x7F...0x9F).contains($0.value) }
        return isPlain ? value : "\"" + Printing.oneLine(value, maximumCharacters: 2_000) + "\""
    }
}
