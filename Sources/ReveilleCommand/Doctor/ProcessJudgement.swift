import WakeCore
import WakeService

/// Whether more gateways run than there should be. Pure.
struct ProcessJudgement {
    /// A process that is a gateway, as its command line tells.
    struct GatewayProcess: Hashable {
        var pid: Int32
        var parent: Int32 = 0
        var user: UInt32
        var arguments: [String]
        /// `OPENCLAW_STATE_DIR`, or what stands for it; nil where its environment can't be read.
        var stateDirectory: String?

        /// Whether a command line is a gateway's: OpenClaw as such, told `gateway`, and neither asking nor managing one.
        static func isGateway(_ arguments: [String]) -> Bool {
            guard let first = arguments.first else { return false }
            // A process that renamed itself has one long argument.
            if first.split(separator: " ").first.map({ name($0) == "openclaw-gateway" }) == true { return true }
            guard let program = arguments.firstIndex(where: { isOpenClaw($0) }) else { return false }
            let rest = arguments[(program + 1)...]
            guard let word = rest.firstIndex(of: "gateway") else { return false }
            let next = rest[(word + 1)...].first
            return next == nil || next == "run" || next?.hasPrefix("-") == true
        }

        private static func isOpenClaw(_ argument: String) -> Bool {
            ["openclaw", "openclaw.mjs", "openclaw.js"].contains(name(argument[...])) || argument.contains("/openclaw/dist/")
        }

        private static func name(_ path: Substring) -> Substring { path.split(separator: "/").last ?? path }
    }

    /// The gateways that our configuration names.
    var configured: Int

    func findings(_ all: [GatewayProcess]) -> [Finding] {
        // A wrapper and what it wraps are one.
        let pids = Set(all.map(\.pid))
        let processes = all.filter { !pids.contains($0.parent) }.sorted { $0.pid < $1.pid }
        let byDirectory = Dictionary(grouping: processes.filter { $0.stateDirectory != nil }) { $0.stateDirectory ?? "" }
        let twice = byDirectory.filter { $1.count > 1 }.sorted { $0.key < $1.key }.map { Self.twice($0.key, $0.value) }
        guard twice.isEmpty, processes.count > max(configured, 1) else { return twice }
        return [more(processes)]
    }

    private static func twice(_ directory: String, _ processes: [GatewayProcess]) -> Finding {
        Finding(
            .error, "gateway-twice", directory, "\(processes.count) gateways run with one state directory",
            evidence: words(processes),
            meaning:
                "They use one bot token and one set of files: each ends the other's Discord session, and restarts hit the wrong one.",
            fix: "Find out which one its unit runs (systemctl --user status openclaw-gateway), and end the other: kill "
                + "\(processes.last.map { String($0.pid) } ?? "PID")")
    }

    private func more(_ processes: [GatewayProcess]) -> Finding {
        Finding(
            .warning, "gateways-unknown", "gateways", "more gateways run on this machine than the configuration names",
            evidence: "\(Self.words(processes)); named are \(configured)",
            meaning: "If two of them use one bot token, each ends the other's Discord session.",
            fix:
                "End those that should not run, or name the others under gateways in reveille.json5, so that their tokens are compared."
        )
    }

    private static func words(_ processes: [GatewayProcess]) -> String {
        processes.map { "pid \($0.pid) of user \($0.user)" }.joined(separator: ", ")
    }
}
