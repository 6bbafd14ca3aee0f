import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("A user's own service", .box("user"))
    struct UserMode {
        @Test("with lingering it is back after a reboot, and delivers what was asked for before")
        func reboot() async throws {
            let agent = try await Agent(Box.own())
            let note = "asked for by a user"
            try await agent.shell("reveille sentinel write --session '\(Box.session(1))' --note '\(note)' >/dev/null")
            try await agent.box.verb("reboot")
            try await agent.isDeliveredOnce(note)
            #expect(try await agent.property("ActiveState", of: "reveille") == "active")
        }

        @Test("it restarts the user's own units without any rule; one that others restart wakes the sessions that are named")
        func units() async throws {
            let agent = try await Agent(Box.own())
            try await agent.unit(
                "web.service", "[Service]\nExecStart=/usr/bin/tail -f /dev/null\nRestart=always\nRestartSec=100ms\n")
            try await agent.shell("systemctl --user start web")
            try await agent.configure(
                """
                target: { settle: "1s" },
                watch: { "unit:web.service": { sessions: ["\(Box.session(3))"], note: "see to it" } }
                """)
            let run = try await agent.property("InvocationID", of: "web")
            try await agent.shell(
                "reveille restart web.service --delay 0s --session '\(Box.session(2))' --note 'as the user asked' >/dev/null")
            try await agent.isDeliveredOnce("as the user asked")
            let text = try await agent.box.message("as the user asked")["content"] ?? ""
            #expect(text.contains("Back after the restart of web.service"), "\(text)")
            #expect(try await agent.property("InvocationID", of: "web") != run)
            let told = agent.box.count("see to it")
            try await agent.shell("systemctl --user restart web")
            try await agent.box.message("web.service has restarted")
            try await agent.shell("systemctl --user kill -s KILL web")
            let crash = try await agent.box.message("web.service crashed and was started again")["content"] ?? ""
            #expect(crash.contains("KILL"), "\(crash)")
            try await agent.quiet()
            #expect(agent.box.count("see to it") == told + 2)
        }

        @Test("a user's unit reports a channel; another is ordered after that channel, and is stopped with it")
        func reports() async throws {
            let agent = try await Agent(Box.own())
            let channel = "reveille-channel@irc:libera.service"
            try await agent.configure("channels: { downGrace: \"1s\", \"irc:libera\": { reporters: [\"bridge.service\"] } }")
            try await agent.unit(
                "bridge.service",
                """
                [Service]
                ExecStart=/bin/sh -c 'NOTIFY_SOCKET=$REVEILLE_NOTIFY_SOCKET systemd-notify X_REVEILLE_CHANNEL=irc:libera \
                X_REVEILLE_STATE=ready && exec tail -f /dev/null'
                """)
            try await agent.shell(
                """
                mkdir -p ~/.config/systemd/user/bridge.service.d
                cp /usr/local/share/reveille/drop-ins/reports-channels.service.d/50-reveille.conf ~/.config/systemd/user/bridge.service.d/
                """)
            try await agent.unit(
                "dependent.service",
                "[Unit]\nBindsTo=\(channel)\nAfter=\(channel)\n[Service]\nExecStart=/usr/bin/tail -f /dev/null\n")
            try await agent.shell("systemctl --user start --no-block dependent")
            try await agent.sees("ActiveState", of: channel) { $0 == "activating" }
            #expect(try await agent.property("ActiveState", of: "dependent") == "inactive")
            try await agent.shell("systemctl --user start bridge")
            try await agent.sees("ActiveState", of: "dependent") { $0 == "active" }
            try await agent.shell("systemctl --user stop bridge")
            try await agent.sees("ActiveState", of: "dependent") { $0 == "inactive" }
        }

        @Test("a command's turn runs in a unit of its own: a restart of the service leaves it alone, and takes its result up")
        func turns() async throws {
            let agent = try await Agent(Box.own())
            try await agent.shell(
                """
                printf '#!/bin/sh\\ncat >>~/told\\nwhile [ ! -e ~/go ]; do sleep 0.1; done\\necho ended >>~/ended\\n' >~/turn.sh
                chmod +x ~/turn.sh
                """)
            try await agent.configure("agents: { a4: { run: [\"/var/lib/agent/turn.sh\"] } }")
            try await agent.shell("reveille wake now --session '\(Box.session(4))' --note 'take your turn' >/dev/null")
            try await agent.isDeliveredOnce("take your turn")
            try await agent.box.eventually("a turn", { try await agent.shell("reveille turn list") }) { $0.contains("running") }
            let units = "systemctl --user list-units --plain --no-legend --state=active 'reveille-turn@*'"
            #expect(try await agent.shell(units).contains("a turn of an agent"))
            try await agent.shell("systemctl --user restart reveille")
            #expect(try await agent.shell(units).contains("a turn of an agent"))
            try await agent.shell("touch ~/go")
            let all = "reveille turn list --all"
            try await agent.box.eventually("its end", { try await agent.shell(all) }) { $0.contains("done") }
            #expect(try await agent.shell("cat ~/ended") == "ended")
            #expect(try await agent.shell("grep -c 'take your turn' ~/told") == "1")
        }

        @Test("it is on the user's bus under its name, and not on the system's")
        func bus() async throws {
            let agent = try await Agent(Box.own())
            let get =
                "get-property io.github.reveille.Reveille1 /io/github/reveille/Reveille1 io.github.reveille.Reveille1 Version"
            #expect(try await agent.shell("busctl --user \(get)").contains("0.1"))
            #expect(try await agent.box.exec("sh", "-c", "busctl --system \(get)").code != 0)
        }
    }
}

/// A user of the box whose own service Reveille is, in place of the system's.
private struct Agent {
    static let uid = 1042

    let box: Box

    /// Makes the user and installs the service, where that was not done before, and waits until it is up.
    init(_ box: Box) async throws {
        self.box = box
        if try await box.exec("id", "agent").code != 0 {
            try await box.shell(
                """
                useradd --create-home --home-dir /var/lib/agent --uid \(Self.uid) --shell /bin/sh agent
                loginctl enable-linger agent
                install -d -o agent -g agent /var/lib/agent/.config /var/lib/agent/.config/reveille
                install -o agent -g agent -m 600 /etc/credstore/reveille-discord /var/lib/agent/.config/reveille/discord.token
                """)
            // The system's own service would answer for the same bot.
            try await box.shell(
                "systemctl --quiet disable --now reveille.socket reveille-tcp.socket reveille-notify.socket reveille")
            try await box.eventually(
                "the user's manager", { try await "\(box.exec("test", "-S", "/run/user/\(Self.uid)/systemd/private").code)" }
            ) { $0 == "0" }
            try await write("$HOME/.config/reveille/reveille.json5", configuration(""))
            try await shell("reveille install --user")
        }
        try await sees("StatusText", of: "reveille") { $0.hasPrefix("discord:default ready") }
    }

    private func configuration(_ lines: String) -> String {
        """
        { discord: { accounts: { default: {
            tokenFile: "~/.config/reveille/discord.token", apiBase: "http://127.0.0.1:\(box.port)/api/v10" } } },
        \(lines) }
        """
    }

    private func write(_ path: String, _ text: String) async throws {
        try await shell("mkdir -p \"$(dirname \"\(path)\")\"\ncat >\"\(path)\" <<'END'\n\(text)\nEND")
    }

    /// Writes the configuration and restarts the service with it.
    func configure(_ lines: String) async throws {
        try await write("$HOME/.config/reveille/reveille.json5", configuration(lines))
        try await shell("systemctl --user restart reveille")
        try await sees("StatusText", of: "reveille") { $0.hasPrefix("discord:default ready") }
    }

    /// Runs a script as the user, which must succeed.
    @discardableResult
    func shell(_ script: String) async throws -> String {
        let reply = try await exec(script)
        guard reply.code == 0 else { throw Missed(description: "\(script)\n\(reply)") }
        return reply.text
    }

    private func exec(_ script: String) async throws -> Reply {
        let user = ["runuser", "-u", "agent", "--", "env", "HOME=/var/lib/agent", "XDG_RUNTIME_DIR=/run/user/\(Self.uid)"]
        return try await box.exec(user + ["sh", "-eu"], input: script)
    }

    func unit(_ name: String, _ text: String) async throws {
        try await write("$HOME/.config/systemd/user/\(name)", text)
        try await shell("systemctl --user daemon-reload")
    }

    func property(_ property: String, of unit: String) async throws -> String {
        try await exec("systemctl --user show --value -p \(property) \(unit)").text
    }

    @discardableResult
    func sees(_ name: String, of unit: String, _ isWanted: @escaping @Sendable (String) -> Bool) async throws -> String {
        try await box.eventually("\(name) of the user's \(unit)", { try await property(name, of: unit) }, isWanted)
    }

    /// Waits until nothing is owed any more.
    func quiet() async throws {
        try await box.eventually("the end of the user's wakes", { try await exec("reveille status --json").text }) {
            $0.contains("\"wakesOpen\":0") && $0.contains("\"running\":true") && $0.contains("\"inboxRows\":0")
        }
    }

    func isDeliveredOnce(_ note: String) async throws {
        try await box.message(note)
        try await quiet()
        #expect(box.count(note) == 1, "\(note)")
    }
}
