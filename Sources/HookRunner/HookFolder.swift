import Glibc

/// The hooks of one folder, found by the rules of run-parts(8), and stricter.
///
/// Run are regular files that are executable, belong to our user or to root, and can't be written by others; links are not followed. The
/// folder must be as safe as the files. Names of other characters than letters, digits, `_`, `.` and `-` are passed over, and so are
/// those that editors and package managers leave.
struct HookFolder {
    /// The hooks' names, in the order in which they run.
    var hooks: [String] = []
    /// What somebody meant to be run and is not, with the reason.
    var refused: [(name: String, reason: String)] = []

    /// Looks into a folder. One that is missing holds nothing.
    ///
    /// - Parameters:
    ///   - path: the folder.
    ///   - user: whose files may be run, besides root's.
    init(_ path: String, user: UInt32 = geteuid()) {
        if let reason = look(path, user) { refused.append((path, reason)) }
    }

    /// Returns why nothing of the folder may be run; nil where it is missing, or was read.
    private mutating func look(_ path: String, _ user: UInt32) -> String? {
        var state = stat()
        guard lstat(path, &state) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? nil : "can't be looked at: \(String(cString: strerror(errno)))"
        }
        guard state.st_mode & S_IFMT == S_IFDIR else { return "is no folder" }
        if let reason = Self.fault(state, user) { return reason }
        guard let folder = opendir(path) else { return "can't be read: \(String(cString: strerror(errno)))" }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if Self.isHook(name) { names.append(name) }
        }
        for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { examine(path, name, user) }
        return nil
    }

    private mutating func examine(_ path: String, _ name: String, _ user: UInt32) {
        var state = stat()
        guard lstat("\(path)/\(name)", &state) == 0 else { return }
        switch state.st_mode & S_IFMT {
        case S_IFDIR: return
        case S_IFREG: break
        default: return refused.append((name, "is no regular file"))
        }
        guard state.st_mode & 0o111 != 0 else { return }
        if let reason = Self.fault(state, user) { return refused.append((name, reason)) }
        hooks.append(name)
    }

    private static func fault(_ state: stat, _ user: UInt32) -> String? {
        guard state.st_uid == user || state.st_uid == 0 else { return "belongs to user \(state.st_uid), not to us or to root" }
        return state.st_mode & 0o022 == 0 ? nil : "can be written by others than its owner"
    }

    /// Whether a file of that name is meant to be run.
    static func isHook(_ name: String) -> Bool {
        let plain = name.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "_.-".utf8.contains($0)
        }
        guard plain, !name.isEmpty, !name.hasPrefix(".") else { return false }
        let leftovers = [".bak", ".orig", ".rej", ".swp", ".tmp", ".dpkg-", ".rpmnew", ".rpmsave", ".rpmorig", ".ucf-"]
        return !leftovers.contains { name.hasSuffix($0) || ($0.hasSuffix("-") && name.contains($0)) }
    }
}
