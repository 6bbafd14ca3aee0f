import Testing

@testable import ReveilleConfiguration

extension Scratch {
    /// Writes `text` as the main file and opens its store; the ledger lies in the same directory.
    func store(
        _ text: String = "{}", _ variables: [String: String] = [:], set overrides: [String] = [],
        operations: any FileOperations = DiskOperations()
    ) throws -> ConfigurationStore {
        let file = try write("reveille.json5", text)
        return try ConfigurationStore(
            loader: try loader(file, variables, set: overrides + ["ledger.directory=\(path)/ledger"]), operations: operations)
    }

    func loader(_ file: String, _ variables: [String: String] = [:], set overrides: [String] = []) throws -> ConfigurationLoader {
        ConfigurationLoader(
            surroundings: surroundings(variables), file: file, scope: .user,
            overrides: try overrides.map { try ConfigurationOverride(parsing: $0) })
    }
}

extension ConfigurationStore {
    /// Plans a patch for the configuration as it is.
    func planPatch(_ raw: String, replacePaths: [String] = [], caller: String? = nil) throws -> ConfigurationPlan {
        try plan(.patch(raw: raw, replacePaths: replacePaths, baseHash: try current().hash), caller: caller)
    }

    /// Accepts a patch.
    @discardableResult
    func patch(_ raw: String, replacePaths: [String] = []) throws -> ConfigurationPatchEntry {
        try commit(planPatch(raw, replacePaths: replacePaths), by: "a test", note: nil, session: nil, at: 1_000)
    }

    /// The fault with which a patch is refused.
    func refusal(of raw: String, replacePaths: [String] = []) throws -> ChangeFault {
        do {
            _ = try planPatch(raw, replacePaths: replacePaths)
        } catch let fault as ChangeFault {
            return fault
        }
        Issue.record("was accepted: \(raw)")
        return ChangeFault(.notFound, "")
    }

    var configuration: Configuration { get throws { try current().configuration } }
}
