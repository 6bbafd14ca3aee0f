import OpenClawFacts
import WakeCore
import WakeService

extension GatewayFileLook {
    /// What is wrong with it as a file.
    func findings(gateway: String) -> [Finding] {
        switch self {
        case .unread(let path, let reason, let fix):
            return [
                .unknown(
                    "gateway-config-unknown", path, "the configuration of the gateway \(gateway) could not be read",
                    reason: reason,
                    fix: fix)
            ]
        case .read(let file):
            guard !file.problems.isEmpty else {
                return [.ok("gateway-config-ok", file.file, "the configuration of the gateway \(gateway) can be read")]
            }
            return file.problems.prefix(10).map { problem in
                // What the gateway's process has in its environment, we may not have.
                guard problem.code != .missingVariable else {
                    return .unknown(
                        "gateway-config-variable", file.file, "a value of the gateway's configuration is not known here",
                        reason: problem.description, fix: problem.hint)
                }
                return Finding(
                    .error, "gateway-config-faulty", file.file, "the configuration of the gateway \(gateway) can't be followed",
                    evidence: problem.description,
                    meaning: "The gateway does not start with it, or not as it was meant; the next restart shows it.",
                    fix: problem.hint)
            }
        }
    }

    /// The folders in which agents work.
    func workspaces(stateDirectory: String?, home: String?) -> [String] {
        var folders = stateDirectory.map { [$0 + "/workspace"] } ?? []
        if let agents = file?.value["agents"] {
            let listed = (agents["list"]?.array ?? []).compactMap { $0["workspace"]?.string }
            folders += [agents["defaults"]?["workspace"]?.string].compactMap { $0 } + listed
        }
        let absolute = folders.compactMap { path in
            path.hasPrefix("~/") ? home.map { $0 + path.dropFirst() } : path.hasPrefix("/") ? path : nil
        }
        return Array(Set(absolute)).sorted()
    }
}
