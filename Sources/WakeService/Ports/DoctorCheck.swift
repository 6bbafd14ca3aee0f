/// Looks at one part of the installation and says what is wrong with it, for `reveille doctor`.
///
/// Promises: it reads only, and changes nothing anywhere. It returns within the bounds of its own requests, also when its task is cancelled.
/// Where it can't look, it returns one finding of severity ``Finding/Severity/unknown`` that says why, and how to make it possible.
public protocol DoctorCheck: Sendable {
    /// What it looks at, such as `discord:default`: the subject of the finding if it does not return in time.
    var name: String { get }

    /// Looks. Of what is in order it tells in findings of severity ``Finding/Severity/ok``.
    func examine() async -> [Finding]
}

/// One thing that a look at the installation found.
public struct Finding: Hashable, Sendable {
    /// How bad it is, from the best to the worst.
    public enum Severity: String, Hashable, Sendable, CaseIterable, Comparable {
        /// In order.
        case ok
        /// Worth knowing; nothing needs to be done.
        case note
        /// It could not be looked at.
        case unknown
        /// It works now, and will not always.
        case warning
        /// Something does not work.
        case error

        /// By badness.
        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// What kind of finding, such as `discord-token-rejected`: stable, for programs.
    public let code: String
    /// How bad it is.
    public let severity: Severity
    /// What it is about: a channel, a gateway, a unit, a file.
    public let subject: String
    /// What was found, in one sentence.
    public let summary: String
    /// What was seen that shows it; nil where the summary says all. Never a secret.
    public let evidence: String?
    /// Why it matters; nil of what is in order.
    public let meaning: String?
    /// What exactly to do; nil where nothing needs to be done.
    public let fix: String?

    /// Makes a finding that somebody should do something about.
    public init(
        _ severity: Severity, _ code: String, _ subject: String, _ summary: String, evidence: String? = nil, meaning: String,
        fix: String
    ) {
        self.init(code, severity, subject, summary, evidence, meaning, fix)
    }

    private init(
        _ code: String, _ severity: Severity, _ subject: String, _ summary: String, _ evidence: String?, _ meaning: String?,
        _ fix: String?
    ) {
        self.code = code
        self.severity = severity
        self.subject = subject
        self.summary = summary
        self.evidence = evidence
        self.meaning = meaning
        self.fix = fix
    }

    /// What is in order.
    public static func ok(_ code: String, _ subject: String, _ summary: String, evidence: String? = nil) -> Finding {
        Finding(code, .ok, subject, summary, evidence, nil, nil)
    }

    /// What is worth knowing, and needs nobody.
    public static func note(
        _ code: String, _ subject: String, _ summary: String, evidence: String? = nil, meaning: String? = nil, fix: String? = nil
    ) -> Finding {
        Finding(code, .note, subject, summary, evidence, meaning, fix)
    }

    /// What could not be looked at: why not, and how to make it possible.
    public static func unknown(_ code: String, _ subject: String, _ summary: String, reason: String, fix: String) -> Finding {
        Finding(code, .unknown, subject, summary, reason, nil, fix)
    }
}
