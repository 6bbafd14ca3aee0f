import Installation

/// Tells those who read the files that they are there, or gone.
struct InstallerReaders {
    let tools: InstallerTools
    let site: InstallationSite

    /// After files were written. The user and the folders are made each time: it costs nothing where they are there.
    ///
    /// - Returns: the units whose files the service manager had not read, which may be more than the steps wrote: an earlier
    ///   install may have been cut off.
    func tell(after steps: [FileStep]) async throws -> [String] {
        var changed = Self.changed(steps)
        var unread: [String] = []
        for unit in WantedFiles.startedUnits {
            if try await tools.property("NeedDaemonReload", of: unit) == "yes" { unread.append(unit) }
            if try await tools.property("LoadState", of: unit) == "not-found" { changed.insert(.manager) }
        }
        if !unread.isEmpty { changed.insert(.manager) }
        if site.scope == .system {
            try await tools.perform("systemd-sysusers", ["reveille.conf"])
            try await tools.perform("systemd-tmpfiles", ["--create", "reveille.conf"])
        }
        try await tellOthers(changed)
        return unread
    }

    /// After files were removed.
    func tellOthers(_ changed: Set<Reader>) async throws {
        if changed.contains(.catalog) {
            try await tools.attempt(
                "journalctl", ["--update-catalog"], otherwise: "journalctl -x will not explain our messages; all else works")
        }
        if changed.contains(.manager) { try await tools.perform("systemctl", tools.manager(["daemon-reload"])) }
        if changed.contains(.bus) || changed.contains(.users) {
            try await tools.attempt(
                "busctl", ["--quiet", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig"],
                otherwise: "the bus reads its policy at its next start")
        }
    }

    /// Who reads what the steps change.
    static func changed(_ steps: [FileStep]) -> Set<Reader> {
        Set(steps.filter(\.isChange).map { $0.wanted?.reader ?? reader(of: $0.path) })
    }

    private static func reader(of path: String) -> Reader {
        if path.contains("/polkit-1/") { return .polkit }
        if path.contains("/dbus-1/") { return .bus }
        if path.contains("/catalog/") { return .catalog }
        if path.contains("/sysusers.d/") { return .users }
        return path.contains("/tmpfiles.d/") ? .folders : .manager
    }
}
