import CSystemd
import Glibc
import WakeCore

/// The service manager that started us: what we tell it, and what it handed in. Does nothing outside systemd.
///
/// Rule: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3).
public struct ServiceManager: Sendable {
    /// What it is told.
    public enum Message: Hashable, Sendable {
        /// Started, or reloaded.
        case ready
        /// The configuration is being read again; `ready` ends it.
        case reloading
        /// Ending.
        case stopping
        /// Still keeping up.
        case watchdog
        /// One line for `systemctl status`.
        case status(String)
        /// Starting goes on; ask again after this long.
        case extendTimeout(Duration)
        /// Why it ends: an errno(3).
        case failure(Int32)

        var line: String {
            switch self {
            case .ready: "READY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds)"
            case .stopping: "STOPPING=1"
            case .watchdog: "WATCHDOG=1"
            case .status(let words): "STATUS=" + words.split { $0.isNewline }.joined(separator: " ")
            case .extendTimeout(let time): "EXTEND_TIMEOUT_USEC=\(time.wholeMicroseconds)"
            case .failure(let code): "ERRNO=\(code)"
            }
        }

        private static var monotonicMicroseconds: Int64 {
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        }
    }

    /// A socket that it opened for us.
    public struct Listener: Hashable, Sendable {
        /// The descriptor, ours from now on.
        public let descriptor: Int32
        /// Its FileDescriptorName=, such as `control` or `notify`.
        public let name: String
    }

    /// How often it wants to hear that we keep up; nil if it does not.
    public let watchdogPeriod: Duration?
    /// Whether it listens to us.
    public let isPresent: Bool

    /// Looks at what the environment says.
    public init() {
        var microseconds: UInt64 = 0
        watchdogPeriod = sd_watchdog_enabled(0, &microseconds) > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
        isPresent = getenv("NOTIFY_SOCKET") != nil
    }

    /// Tells it all of that at once. A socket that is dead is no reason to do anything else.
    ///
    /// - Returns: false if there is a socket, and it did not take it.
    @discardableResult
    public func tell(_ messages: Message...) -> Bool { tell(messages) }

    /// Tells it all of that at once.
    @discardableResult
    public func tell(_ messages: [Message]) -> Bool {
        guard isPresent, !messages.isEmpty else { return true }
        return sd_notify(0, messages.map(\.line).joined(separator: "\n")) > 0
    }

    /// Hands a descriptor to it for safe keeping: the next life of ours finds it among its listeners, under that name.
    ///
    /// Rule: sd_notify(3), `FDSTORE=1`; the unit needs FileDescriptorStoreMax=.
    public func keep(_ descriptor: Int32, as name: String) {
        guard isPresent else { return }
        var descriptor = descriptor
        sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=\(name)", &descriptor, 1)
    }

    /// The sockets that it opened, and what it kept. Asked once: the variables are taken out of the environment, so that no child takes them for its own.
    public func takeListeners() -> [Listener] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        guard count > 0 else { return [] }
        defer { free(names) }
        return (0..<count).map { index in
            let name = names?[Int(index)]
            defer { free(name) }
            return Listener(descriptor: 3 + index, name: name.map { String(cString: $0) } ?? "")
        }
    }
}
