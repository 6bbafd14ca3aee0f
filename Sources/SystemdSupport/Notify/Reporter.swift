import CSystemd
import Glibc

/// Who sent a report: by the kernel's word, not by their own.
public struct Reporter: Hashable, Sendable, Codable {
    /// The sender's user.
    public var uid: UInt32
    /// The sender.
    public var pid: Int32
    /// When the process began, in clock ticks of this boot: with ``pid`` it names one process. Nil where it had ended already.
    public var startTicks: UInt64?
    /// The unit that it belongs to, where that is one of the system's, or for a user's service one of that user's, and says in which run
    /// it is.
    public var unit: String?
    /// That run.
    public var invocation: String?
    /// Whether the unit is one of our user's; nil: of the system's.
    public var isOfUser: Bool?

    /// Makes one.
    public init(uid: UInt32, pid: Int32, startTicks: UInt64? = nil, unit: String? = nil, invocation: String? = nil) {
        self.uid = uid
        self.pid = pid
        self.startTicks = startTicks
        self.unit = unit
        self.invocation = invocation
    }

    /// In words, for people.
    public var words: String { unit ?? "process \(pid) of uid \(uid)" }

    /// Looks a sender up, while it can be.
    static func find(pid: Int32, uid: UInt32) -> Reporter {
        var reporter = Reporter(uid: uid, pid: pid, startTicks: startTicks(of: pid))
        var name: UnsafeMutablePointer<CChar>?
        if sd_pid_get_unit(pid, &name) >= 0, let found = name {
            let unit = String(cString: found)
            free(found)
            // A user's manager is a unit itself: what runs under it is told apart as a process.
            if unit.hasSuffix(".service"), !unit.hasPrefix("user@"), let run = invocation(of: unit, in: unitFolder) {
                reporter.unit = unit
                reporter.invocation = run
                return reporter
            }
        }
        // Units of other users are whatever these users make of them; our own user's are as good as our own.
        if let folder = userUnitFolder, uid == getuid(), let unit = userUnit(of: pid), let run = invocation(of: unit, in: folder)
        {
            reporter.unit = unit
            reporter.invocation = run
            reporter.isOfUser = true
        }
        return reporter
    }

    /// Whether what it spoke for is still there. A unit's run counts where it is known, since helpers that report for a unit exit at
    /// once; else the process.
    var isAlive: Bool {
        if let unit, let invocation {
            let folder = isOfUser == true ? Self.userUnitFolder : Self.unitFolder
            return folder.flatMap { Self.invocation(of: unit, in: $0) } == invocation
        }
        guard let startTicks else { return false }
        return Self.startTicks(of: pid) == startTicks
    }

    /// Where the service manager keeps each running unit's invocation, for everybody to read.
    static let unitFolder = "/run/systemd/units"

    /// Where the user's service manager keeps them; nil where we are no user's service.
    static let userUnitFolder: String? = {
        guard getuid() >= 1000 else { return nil }
        let runtime = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) } ?? "/run/user/\(getuid())"
        return runtime + "/systemd/units"
    }()

    private static func userUnit(of pid: Int32) -> String? {
        var name: UnsafeMutablePointer<CChar>?
        guard sd_pid_get_user_unit(pid, &name) >= 0, let found = name else { return nil }
        defer { free(found) }
        let unit = String(cString: found)
        return unit.hasSuffix(".service") ? unit : nil
    }

    private static func invocation(of unit: String, in folder: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 64)
        let count = readlink("\(folder)/invocation:\(unit)", &bytes, bytes.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Field 22 of /proc/PID/stat; what comes before the last `)` is a name that may hold anything. Rule: proc(5).
    private static func startTicks(of pid: Int32) -> UInt64? {
        let file = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // A zombie has ended.
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }
}
