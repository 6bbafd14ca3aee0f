import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Turns under the system's service", .box("turns"))
    struct Turns {
        private static let units =
            "systemctl list-units --plain --no-legend --all 'reveille-turn@*' | sed 's/ .*//'"

        /// Configures an agent whose turns run until they are let go, and asks for one of them.
        ///
        /// - Returns: the unit that it runs in.
        private func begin(_ box: Box, _ agent: Int, note: String) async throws -> String {
            let state = "/var/lib/reveille"
            try await box.write(
                "/etc/agents/agent-\(agent)",
                """
                #!/bin/sh
                cat >>\(state)/told-\(agent)
                while [ ! -e \(state)/go-\(agent) ]; do sleep 0.1; done
                id -un >>\(state)/ended-\(agent)
                """)
            try await box.shell("chmod 755 /etc/agents/agent-\(agent)")
            try await box.configure("agents: { a\(agent): { run: [\"/etc/agents/agent-\(agent)\"] } }")
            try await box.shell("systemctl restart reveille")
            try await box.sees("StatusText") { $0 == "discord:default ready" }
            let reply = try await box.reveille(["wake", "now", "--session", Box.session(UInt64(agent)), "--note", note])
            #expect(reply.code == 0, "\(reply)")
            try await box.eventually("a turn", { try await list(box) }) { $0.contains("running") }
            let unit = try await box.shell(Self.units)
            #expect(unit.hasPrefix("reveille-turn@") && unit.hasSuffix(".service"), "\(unit)")
            try await box.sees("ActiveState", of: unit) { $0 == "active" }
            return unit
        }

        private func list(_ box: Box) async throws -> String { try await box.reveille(["turn", "list", "--all"]).text }

        /// Waits until the newest turn is told that way and nothing of its unit is left.
        private func ends(_ box: Box, _ words: String) async throws {
            try await box.eventually("its end", { try await list(box) }) { $0.contains(words) && !$0.contains("running") }
            try await box.eventually("no unit", { try await box.shell(Self.units) }) { $0.isEmpty }
        }

        @Test("a turn runs in a unit of its own: a restart of the service leaves it alone, and takes its result up, once")
        func restart() async throws {
            let box = try Box.own()
            let unit = try await begin(box, 1, note: "take your turn")
            let run = try await box.property("InvocationID", of: unit)
            let daemon = try await box.property("InvocationID")
            try await box.shell("systemctl restart reveille")
            try await box.sees("StatusText") { $0 == "discord:default ready" }
            #expect(try await box.property("InvocationID") != daemon)
            #expect(try await box.property("ActiveState", of: unit) == "active")
            #expect(try await box.property("InvocationID", of: unit) == run)
            try await box.shell("touch /var/lib/reveille/go-1")
            try await ends(box, "done")
            #expect(try await box.shell("cat /var/lib/reveille/ended-1") == "reveille")
            #expect(try await box.shell("grep -c 'take your turn' /var/lib/reveille/told-1") == "1")
            try await box.isDeliveredOnce("take your turn")
            #expect(try await box.journalText("-u", "reveille").components(separatedBy: "turnEnded").count == 2)
        }

        @Test("a turn that is killed with all that it runs is told as lost, and its failed unit is forgotten")
        func killed() async throws {
            let box = try Box.own()
            let unit = try await begin(box, 2, note: "until you are killed")
            try await box.shell("systemctl kill -s KILL '\(unit)'")
            try await ends(box, "lost: its unit ended as 'signal'")
            #expect(try await box.exec("test", "-e", "/var/lib/reveille/ended-2").code == 1)
        }

        @Test("a turn is ended when that is asked for, while the service runs on")
        func cancelled() async throws {
            let box = try Box.own()
            _ = try await begin(box, 3, note: "until you are stopped")
            let daemon = try await box.property("InvocationID")
            let turns = try await box.reveille(["turn", "list", "--json"]).json?["turns"]?.array
            let id = try #require(turns?.first?["id"]?.string)
            let reply = try await box.reveille(["turn", "cancel", id])
            #expect(reply.code == 0, "\(reply)")
            try await ends(box, "cancelled")
            #expect(try await box.exec("test", "-e", "/var/lib/reveille/ended-3").code == 1)
            #expect(try await box.property("InvocationID") == daemon)
        }

        @Test("where the template can't be used the service starts all the same, and says what turns do without it")
        func withoutTemplate() async throws {
            let box = try Box.own()
            try await box.configure("agents: { a4: { run: [\"/bin/true\"] } }")
            try await box.shell("systemctl --quiet mask reveille-turn@.service")
            let mark = box.journalMark()
            try await box.shell("systemctl restart reveille")
            let line = try await box.journal(
                "_SYSTEMD_UNIT=reveille.service", after: mark, words: "turns of agents .* end with this unit")
            #expect("\(line)".contains("masked") && "\(line)".contains("reveille install"), "\(line)")
            try await box.sees("StatusText") { $0 == "discord:default ready" }
            try await box.shell("systemctl --quiet unmask reveille-turn@.service; systemctl restart reveille")
        }

        @Test("the service may start turns and forget failed ones: not a unit of its own making, and no other")
        func permission() async throws {
            let box = try Box.own()
            let transient = ["systemd-run", "--no-ask-password", "--unit=reveille-turn@made.service", "/bin/true"]
            let others = [
                ["start", "discord.service"], ["restart", "reveille-turn@none"], ["start", "reveille-turns.service"],
            ]
            for words in [transient] + others.map({ ["systemctl", "--no-ask-password"] + $0 }) {
                let reply = try await box.reveilleUser(words)
                #expect(reply.code != 0 && reply.errors.contains("authentication required"), "\(words): \(reply)")
            }
            let turn = ["systemctl", "--no-ask-password", "start", "reveille-turn@none"]
            #expect(try await box.reveilleUser(turn).code == 0)
            try await box.sees("ActiveState", of: "reveille-turn@none") { $0 == "failed" }
            #expect(try await box.property("ExecMainStatus", of: "reveille-turn@none") == "66")
            #expect(try await box.journalText("-u", "reveille-turn@none").contains("nothing of turn none can be read"))
            #expect(
                try await box.reveilleUser(["systemctl", "--no-ask-password", "reset-failed", "reveille-turn@none"]).code == 0)
        }
    }
}
