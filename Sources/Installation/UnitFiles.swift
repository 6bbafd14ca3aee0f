/// The files of `units/`, as they were when the program was built.
public enum UnitFiles {
    /// All of them: path below `units/`, and text.
    public static let all: [String: String] = EmbeddedUnits.files

    /// The text of one that is known to be there.
    static func text(_ path: String) -> String {
        guard let text = all[path] else { preconditionFailure("units/\(path) is not in the program") }
        return text
    }
}
