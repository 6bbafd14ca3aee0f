import CSystemd

/// Why something could not be done over the bus.
public struct BusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The error's D-Bus name, such as `org.freedesktop.DBus.Error.AccessDenied`; empty where the bus itself failed.
    public let name: String
    /// Its words.
    public let message: String

    /// Names an error of the far side.
    public init(name: String, message: String) {
        self.name = name
        self.message = message
    }

    /// Names an error of the bus.
    init(errno code: Int32, _ context: String) {
        name = ""
        message = "\(context): \(String(cString: strerror(abs(code))))"
    }

    static func unless(_ isGood: Bool, _ code: Int32, _ context: @autoclosure () -> String) throws(BusError) {
        if !isGood { throw BusError(errno: code, context()) }
    }

    /// Whether a policy refused it.
    public var isAccessDenied: Bool {
        [
            "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
            "org.freedesktop.DBus.Error.AuthFailed",
        ].contains(name)
    }

    /// Whether there is no such unit.
    public var isNoSuchUnit: Bool { name == "org.freedesktop.systemd1.NoSuchUnit" }

    /// The words.
    public var description: String { message }

    /// There is no connection now.
    static let notConnected = BusError(name: "", message: "the bus can't be reached")

    /// Whoever asked stops.
    static let notWaitedFor = BusError(name: "", message: "the answer was not waited for")
}
