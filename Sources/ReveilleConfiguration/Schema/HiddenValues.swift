internal import WakeCore

/// Values that files may hold and nobody is shown: what an agent's variables are set to.
enum HiddenValues {
    /// A variable without its value.
    static func masked(_ variable: String) -> String {
        guard let sign = variable.firstIndex(of: "=") else { return ConfigurationSetting.secretIsSet }
        return variable[...sign] + ConfigurationSetting.secretIsSet
    }

    /// The document without any of them.
    static func masked(_ document: JSONValue) -> JSONValue { masked(document, along: .root) }

    private static func masked(_ value: JSONValue, along tree: KeyTree) -> JSONValue {
        if tree.descriptor?.hidesValues == true {
            return .array((value.array ?? []).map { .string(masked($0.string ?? "")) })
        }
        guard case .object(var object) = value else { return value }
        for member in object.members {
            guard let branch = tree.branch(member.key) else { continue }
            object[member.key] = masked(member.value, along: branch)
        }
        return .object(object)
    }
}
