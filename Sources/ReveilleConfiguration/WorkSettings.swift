public import WakeCore

extension Configuration {
    /// Run states, their leases, and what is said.
    public struct Work: Sendable {
        /// The run states that are looked after, as absolute paths; `*` in the last part stands for any text.
        public let runStates: [String]
        /// Their leases.
        public let leases: Policy.Leases
        /// When nobody is woken for what stands still; nil: always somebody may be.
        public let quietHours: QuietHours?
        /// What is said.
        public let texts: Policy.Texts

        init(_ values: SettingValues) {
            runStates = values.optionalTexts("runStates.files")
            var leases = Policy.Leases()
            leases.length = values.duration("lease.length")
            leases.maximumWakes = values.integer("lease.wakes")
            leases.longest = values.duration("lease.longest")
            leases.stale = values.duration("lease.stale")
            self.leases = leases
            quietHours = values.optionalText("lease.quietHours").flatMap { QuietHours($0) }
            var texts = Policy.Texts()
            texts.notice = values.optionalText("texts.notice").flatMap { try? Template($0, fields: NoticeText.fields) }
            texts.turn = values.optionalText("texts.turn").flatMap { try? Template($0, fields: TurnText.fields) }
            self.texts = texts
        }
    }
}

/// A part of each day, in minutes since midnight; it may go over midnight.
public struct QuietHours: Hashable, Sendable {
    /// When it begins, 0 to 1,439.
    public let from: Int
    /// When it ends, 0 to 1,439.
    public let until: Int

    /// Reads `HH:MM-HH:MM`; nil where it is none, or both are the same.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(Self.minutes)
        guard parts.count == 2, let from = parts[0], let until = parts[1], from != until else { return nil }
        self.from = from
        self.until = until
    }

    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isASCII) }), let hour = Int(parts[0]),
            let minute = Int(parts[1]), (0...23).contains(hour), (0...59).contains(minute)
        else { return nil }
        return hour * 60 + minute
    }

    /// How many minutes of it are left at that minute of the day; nil outside of it.
    public func left(at minute: Int) -> Int? {
        let length = (until - from + 1_440) % 1_440
        let since = (minute - from + 1_440) % 1_440
        return since < length ? length - since : nil
    }
}
