public import Foundation

/// What lies at a path.
public enum OnDisk: Hashable, Sendable {
    /// Nothing.
    case absent
    /// A file with this in it.
    case file(Data)
    /// Something else, such as a link (`systemctl mask` makes those), or a file that can't be read. In words.
    case other(String)
}

/// What an installation does about one file.
public struct FileStep: Hashable, Sendable {
    /// How the file stands.
    public enum Standing: Hashable, Sendable {
        /// It is not there.
        case new
        /// It is not there, though it was written once: somebody removed it.
        case missing
        /// It is not there, and hides another version that a package has there.
        case hiding(package: String)
        /// It is there as it should be, and it is ours.
        case unchanged
        /// It is there as it should be, put there by somebody else.
        case alreadyThere(path: String)
        /// It is what was written last, and there is a newer version.
        case outdated
        /// Somebody changed it, or put it there.
        case changedByYou(String)
        /// It is ours and no longer wanted.
        case obsolete
        /// It was given by an earlier call, and stays.
        case kept
    }

    /// What is done.
    public enum Action: String, Hashable, Sendable {
        /// Nothing.
        case none
        /// It is written.
        case write
        /// What is there is kept beside it, under another name, and it is written.
        case overwrite
        /// It is removed.
        case remove
        /// It is left alone, though something else is wanted there.
        case leave
    }

    /// Where.
    public let path: String
    /// How it stands.
    public let standing: Standing
    /// What is done about it.
    public let action: Action
    /// What belongs there; nil where nothing does.
    public let wanted: WantedFile?

    /// Whether it changes what somebody reads.
    public var isChange: Bool { action == .write || action == .overwrite || action == .remove }
}

/// What an installation, or a removal, does; worked out before anything is touched.
public enum Plan {
    /// The steps of an installation: first the wanted files in their order, then what is left of earlier ones.
    ///
    /// - Parameters:
    ///   - wanted: the files.
    ///   - manifest: what was written last.
    ///   - mayOverwrite: whether files that a person changed are written, too.
    ///   - look: says what lies at a path.
    /// - Returns: one step for each file, also where nothing is done.
    public static func install(
        _ wanted: [WantedFile], manifest: Manifest, mayOverwrite: Bool, look: (String) -> OnDisk
    ) -> [FileStep] {
        let steps = wanted.map { file in
            let standing = standing(of: file, manifest, look)
            let action: FileStep.Action =
                switch standing {
                case .new, .missing, .hiding, .outdated: .write
                case .changedByYou: mayOverwrite ? .overwrite : .leave
                case .unchanged, .alreadyThere, .obsolete, .kept: .none
                }
            return FileStep(path: file.path, standing: standing, action: action, wanted: file)
        }
        let names = Set(wanted.map(\.path))
        let rest = manifest.files.map(\.path).filter { !names.contains($0) }
        return steps
            + rest.map { path in
                if path.hasPrefix("\(PermissionRules.folder)/\(PermissionRules.givenPrefix)"), look(path) != .absent {
                    return FileStep(path: path, standing: .kept, action: .none, wanted: nil)
                }
                return removal(of: path, manifest, look)
            }
    }

    /// The steps of a removal: what was written, the last first, unless somebody changed it.
    public static func uninstall(_ manifest: Manifest, look: (String) -> OnDisk) -> [FileStep] {
        manifest.files.reversed().map { removal(of: $0.path, manifest, look) }
    }

    private static func removal(of path: String, _ manifest: Manifest, _ look: (String) -> OnDisk) -> FileStep {
        switch look(path) {
        case .absent: FileStep(path: path, standing: .missing, action: .none, wanted: nil)
        case .file(let data) where manifest.wrote(data, at: path):
            FileStep(path: path, standing: .obsolete, action: .remove, wanted: nil)
        case .file: FileStep(path: path, standing: .changedByYou("changed"), action: .leave, wanted: nil)
        case .other(let words): FileStep(path: path, standing: .changedByYou(words), action: .leave, wanted: nil)
        }
    }

    private static func standing(
        of file: WantedFile, _ manifest: Manifest, _ look: (String) -> OnDisk
    ) -> FileStep.Standing {
        let text = Data(file.text.utf8)
        let isKnown = manifest.files.contains { $0.path == file.path }
        switch look(file.path) {
        case .file(text): return isKnown ? .unchanged : .alreadyThere(path: file.path)
        case .file(let data) where manifest.wrote(data, at: file.path): return .outdated
        case .file: return .changedByYou(isKnown ? "changed" : "not written by reveille install")
        case .other(let words): return .changedByYou(words)
        case .absent: break
        }
        for path in file.packagePaths {
            switch look(path) {
            case .absent: continue
            case .file(text): return .alreadyThere(path: path)
            case .file, .other: return .hiding(package: path)
            }
        }
        return isKnown ? .missing : .new
    }
}
