import CSystemd
import Glibc
public import Logging
public import WakeService

/// Writes log lines into the journal, with their data as fields: `journalctl REVEILLE_WAKE=…` tells one wake's whole story.
///
/// Rule: sd_journal_send(3), systemd.journal-fields(7).
public struct JournalLogHandler: LogHandler {
    /// The least level that is written: the shared one, unless this handler was given one of its own.
    public var logLevel: Logger.Level {
        get { own ?? shared.level }
        set { own = newValue }
    }

    private var own: Logger.Level?
    private let shared: SharedLogLevel
    /// What every line carries.
    public var metadata: Logger.Metadata = [:]
    private let label: String

    /// Makes a handler.
    public init(label: String, level: SharedLogLevel) {
        self.label = label
        shared = level
    }

    /// One value of what every line carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Whether standard error leads to the journal, as the service manager says.
    ///
    /// Rule: systemd.exec(5), `$JOURNAL_STREAM`.
    public static func isConnected(environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let data = all.map { " \($0.key)=\($0.value)" }.joined()
        var fields = [
            "MESSAGE=\(event.message)\(data)", "PRIORITY=\(Self.priority(event.level))", "SYSLOG_IDENTIFIER=reveille",
            "REVEILLE_PART=\(label)",
        ]
        var isExplained = false
        for (key, value) in all {
            fields.append("REVEILLE_\(key.uppercased())=\(value)")
            if key == LogKey.event,
                let id = JournalMessage.id(of: "\(value)", reason: all.first { $0.key == LogKey.reason }.map { "\($0.value)" })
            {
                fields.append("MESSAGE_ID=\(id)")
                isExplained = true
            }
            if key == LogKey.place, let channel = JournalMessage.channel(in: "\(value)") {
                fields.append("REVEILLE_CHANNEL=\(channel)")
            }
        }
        // The catalog's words show the name of a field that is missing.
        if isExplained {
            for name in ["WAKE", "SENTINEL", "SESSION", "CHANNEL", "REASON"]
            where !fields.contains(where: { $0.hasPrefix("REVEILLE_\(name)=") }) {
                fields.append("REVEILLE_\(name)=-")
            }
        }
        Self.send(fields)
    }

    private static func send(_ fields: [String]) {
        let bytes = fields.map { Array($0.utf8) }
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: bytes.count) { parts in
            var index = 0
            func add(_ rest: ArraySlice<[UInt8]>) {
                guard let first = rest.first else {
                    sd_journal_sendv(parts.baseAddress, Int32(index))
                    return
                }
                first.withUnsafeBytes { field in
                    parts[index] = iovec(iov_base: UnsafeMutableRawPointer(mutating: field.baseAddress), iov_len: field.count)
                    index += 1
                    add(rest.dropFirst())
                }
            }
            add(bytes[...])
        }
    }

    /// Rule: syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
