import Glibc

/// Tells when the socket of a bus appears, so that a bus which comes late is not waited for longer than need be.
///
/// Rule: inotify(7); where a bus is: sd_bus_open_system(3), XDG_RUNTIME_DIR.
final class SocketAppearance {
    /// For poll(2): readable when something was made in the folder.
    let descriptor: Int32

    /// Watches for the bus of that kind; nil where its address names no file, or its folder is not there.
    convenience init?(_ kind: Bus.Kind) {
        guard let path = Self.path(of: kind) else { return nil }
        self.init(path: path)
    }

    /// Watches for that file.
    init?(path: String) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return nil }
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        let changes = UInt32(IN_CREATE | IN_MOVED_TO | IN_ATTRIB)
        guard inotify_add_watch(descriptor, String(path[..<slash]), changes) >= 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    /// Whether something was made since it was last asked.
    func hasHappened() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var isAny = false
        while read(descriptor, &buffer, buffer.count) > 0 { isAny = true }
        return isAny
    }

    /// The file of a bus, as far as its address names one.
    static func path(of kind: Bus.Kind, environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }) -> String?
    {
        let address = environment(kind == .system ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS")
        if let address {
            guard let field = address.split(separator: ";").first, field.hasPrefix("unix:") else { return nil }
            let value = field.dropFirst(5).split(separator: ",").first { $0.hasPrefix("path=") }?.dropFirst(5)
            return value.flatMap { $0.contains("%") ? nil : String($0) }
        }
        if kind == .system { return "/run/dbus/system_bus_socket" }
        return environment("XDG_RUNTIME_DIR").map { $0 + "/bus" }
    }
}
