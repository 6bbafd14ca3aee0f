public import WakeCore

/// The configuration of a gateway, `openclaw.json`, as the gateway itself understands it.
///
/// It is JSON5. `$include` (a path, or a list of them, relative to the including file) brings in other files: objects are
/// merged, lists are joined, and otherwise what comes later counts; keys beside the `$include` come last. `${NAME}` in a text
/// stands for a variable of the gateway's environment, `$${NAME}` for the plain text `${NAME}`.
///
/// Nothing stops the reading: what can't be followed counts as not set and is listed in ``problems``. A gateway is stricter, and
/// mostly does not start with such a file.
public struct GatewayConfigFile: Sendable {
    /// The most that is read, all files together: 8 MiB.
    public static let maximumBytes = 8 << 20
    /// The most files that are read, one that is included twice counting twice.
    public static let maximumFiles = 64
    /// How deep files may include files, as in the gateway.
    public static let maximumDepth = 10

    /// The main file.
    public let file: String
    /// The whole configuration: includes merged, variables put in. An object; an empty one if the main file can't be read.
    public let value: JSONValue
    /// What could not be followed.
    public let problems: [GatewayConfigProblem]
    /// The files that were read, the main file first.
    public let files: [String]
    /// The gateway's environment, with what the `env` part of the configuration adds to it.
    let environment: [String: String]

    /// Reads a configuration.
    ///
    /// - Parameters:
    ///   - file: the main file, an absolute path. Only files in its folder, and below, can be included.
    ///   - environment: what the gateway's process has, as far as known; a gateway also reads the `.env` file in its folder.
    ///   - read: reads one file. Each is asked for once. Which links are followed is the reader's business.
    public init(_ file: String, environment: [String: String], read: (_ path: String) throws -> [UInt8]) {
        let file = PlainPath.resolved(file, from: "")
        // Twice over the same documents: what the configuration adds to the environment is known only when all of it is.
        var first = GatewayConfigResolver(library: .init(root: PlainPath.folder(of: file)), environment: nil)
        let additions = Self.additions(first.resolved(file, read))
        let whole = additions.merging(environment.filter { !$0.value.isEmpty }) { $1 }
        var resolver = GatewayConfigResolver(library: first.library.rewound, environment: whole)
        value = resolver.resolved(file, read)
        self.file = file
        problems = resolver.problems
        files = resolver.library.files
        self.environment = whole
    }

    /// The variables that the configuration sets where the environment does not: the texts of `env` and of `env.vars`.
    private static func additions(_ value: JSONValue) -> [String: String] {
        let members = (value["env"]?.object?.members ?? []) + (value["env"]?["vars"]?.object?.members ?? [])
        return members.reduce(into: [:]) { variables, member in
            guard let text = member.value.string, !text.isEmpty, !EnvironmentReferences.areIn(text) else { return }
            variables[member.key] = text
        }
    }
}

/// Paths as texts: only what needs no file system.
enum PlainPath {
    /// The folder of a file.
    static func folder(of file: String) -> String {
        let parts = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return parts.joined(separator: "/")
    }

    /// A path from a folder on, or an absolute one, without `.` and `..`.
    static func resolved(_ path: String, from folder: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : folder + "/" + path).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// True if a resolved path lies within a folder.
    static func isInside(_ path: String, _ folder: String) -> Bool {
        let folder = resolved(folder, from: "")
        return path.hasPrefix(folder == "/" ? folder : folder + "/")
    }
}
