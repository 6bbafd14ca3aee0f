import Foundation
import Testing
import WakeCore

/// Writes without end, and what was acknowledged outside of the machine.
private let writer = """
    while id=$(reveille sentinel write --session \(Box.session) --note "note $((n += 1))" --json); do
        id=${id#*'"sentinel":"'}
        echo "${id%%'"'*}" >>/outside/acknowledged
    done
    """

extension Box {
    fileprivate var acknowledged: [String] {
        ((try? String(contentsOfFile: folder + "/acknowledged", encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    /// Writes sentinels, and cuts the power when three more are acknowledged and the next is being written.
    fileprivate func cutWhileWriting() async throws {
        let wanted = acknowledged.count + 3
        try await write("/run/writer.sh", writer)
        try await shell(
            """
            touch /outside/acknowledged; chmod 666 /outside/acknowledged
            systemd-run --quiet --collect --unit writer -p User=reveille bash /run/writer.sh
            head -n \(wanted) < <(tail -f -n +1 /outside/acknowledged) >/dev/null
            """)
        try await verb("powercut")
    }

    /// Those acknowledged sentinels that the ledger does not know.
    fileprivate func lost() async throws -> [String] {
        try await sees("ActiveState") { $0 == "active" }
        try await quiet()
        let list = try await reveille(["sentinel", "list", "--all", "--limit", "10000", "--json"])
        let known = try #require(list.json?["sentinels"]?.array, "\(list)").compactMap { $0["id"]?.string }
        return acknowledged.filter { !known.contains($0) }
    }
}

extension RealSystemd {
    @Suite("Power cuts", .box("cuts"))
    struct PowerCuts {
        @Test("every acknowledged sentinel is in the ledger after each power cut")
        func cuts() async throws {
            let box = try Box.own()
            let rounds = ProcessInfo.processInfo.environment["REVEILLE_TEST_POWER_CUTS"].flatMap { Int($0) } ?? 20
            for round in 1...rounds {
                try await box.cutWhileWriting()
                let lost = try await box.lost()
                try #require(lost.isEmpty, "power cut \(round): \(lost)")
            }
            let check = try await box.reveille(["ledger", "check", "--json"])
            #expect(check.json?["sound"]?.bool == true, "\(check)")
            print("SystemdTests: \(rounds) power cuts, \(box.acknowledged.count) acknowledged sentinels, none lost")
        }
    }

    @Suite("Power cuts, the negative control", .box("nosync", "--lose-syncs"))
    struct PowerCutsWithoutSyncs {
        @Test("where nothing is synced, acknowledged sentinels are lost: the test above can fail")
        func loses() async throws {
            let box = try Box.own()
            try await box.cutWhileWriting()
            let lost = try await box.lost()
            print("SystemdTests: without syncs, \(lost.count) of \(box.acknowledged.count) acknowledged sentinels were lost")
            #expect(!lost.isEmpty)
        }
    }
}
