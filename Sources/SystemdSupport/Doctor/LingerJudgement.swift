import Glibc
public import WakeService

/// Whether a user's units outlive the user's last session. Pure.
public struct LingerJudgement: Hashable, Sendable {
    /// Whether a user lingers.
    public enum Look: Hashable, Sendable {
        /// It is switched on, or off.
        case seen(isOn: Bool)
        /// It can't be told; why.
        case unseen(reason: String)
    }

    /// The user's name.
    public var user: String
    /// The user's units that it is about.
    public var units: [String]

    /// Makes a judgement of one user.
    public init(user: String, units: [String]) {
        self.user = user
        self.units = units
    }

    /// What is wrong; nothing where no unit of the user's matters.
    public func findings(_ look: Look) -> [Finding] {
        guard !units.isEmpty else { return [] }
        let subject = "user \(user)"
        switch look {
        case .seen(isOn: true): return [.ok("linger-ok", subject, "the units of \(user) run without a login")]
        case .unseen(let reason):
            return [
                .unknown(
                    "linger-unknown", subject, "it can't be told whether the units of \(user) run without a login",
                    reason: reason,
                    fix: "loginctl show-user \(user) --property=Linger")
            ]
        case .seen(isOn: false):
            return [
                Finding(
                    .warning, "linger-off", subject, "the units of \(user) run only while \(user) is logged in",
                    evidence: "Linger=no, and units of that user: \(units.joined(separator: ", "))",
                    meaning:
                        "They end with the last session, and after a reboot nothing starts until somebody logs in: nobody is woken.",
                    fix: "loginctl enable-linger \(user)")
            ]
        }
    }

    /// Looks for the mark that logind keeps. Rule: loginctl(1), `enable-linger`.
    public static func look(at user: String, folder: String = "/var/lib/systemd/linger") -> Look {
        if access(folder + "/" + user, F_OK) == 0 { return .seen(isOn: true) }
        switch errno {
        case ENOENT where access("/run/systemd/system", F_OK) != 0 && access(folder, F_OK) != 0:
            return .unseen(reason: "this system is not run by systemd")
        case ENOENT: return .seen(isOn: false)
        case let code: return .unseen(reason: "\(folder) can't be read: \(String(cString: strerror(code)))")
        }
    }
}
