#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a process stands in: its environment, its user, its working directory. An argument, so that tests can choose it.
public struct Surroundings: Sendable {
    /// The environment variables.
    public var variables: [String: String]
    /// The effective user id.
    public var userID: UInt32
    /// The working directory, absolute.
    public var workingDirectory: String

    /// Makes surroundings.
    public init(variables: [String: String], userID: UInt32, workingDirectory: String = "/") {
        self.variables = variables
        self.userID = userID
        self.workingDirectory = workingDirectory
    }

    /// Those of this process. Variables that are not UTF-8 are repaired, so that they are refused later by name.
    public static func ofThisProcess() -> Surroundings {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee.map({ String(cString: $0) }) {
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let directory = getcwd(&buffer, buffer.count).map { String(cString: $0) }
        return Surroundings(variables: variables, userID: geteuid(), workingDirectory: directory ?? "/")
    }

    /// The home directory, if `$HOME` names one.
    public var home: String? { absolute("HOME") }

    /// Whether this is the system's own service or root rather than a person: user ids below 1000 (login.defs, SYS_UID_MAX).
    var isSystemUser: Bool { userID < 1_000 }

    /// The value of a variable that holds an absolute path; relative ones count as absent (XDG base directory specification).
    func absolute(_ name: String) -> String? {
        guard let value = variables[name], value.hasPrefix("/") else { return nil }
        return value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value
    }

    /// The first of the paths that systemd lists in a variable, with colons between them.
    func firstPath(_ name: String) -> String? {
        guard let first = variables[name]?.split(separator: ":").first, first.hasPrefix("/") else { return nil }
        return String(first)
    }
}
