import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Troubles, and a user's own service", .box("troubles"))
    struct Troubles {
        @Test("a state directory of another owner is set right at the start, and nothing in it is lost")
        func foreignOwner() async throws {
            let box = try Box.own()
            let note = "held in a foreign folder"
            try await box.shutDiscord()
            try await box.ask("sentinel", "write", note: note)
            try await box.shell(
                """
                systemctl stop reveille.socket reveille-tcp.socket reveille-notify.socket reveille
                chown -R nobody:nogroup /var/lib/reveille
                systemctl start reveille
                test "$(stat -c %U /var/lib/reveille/ledger.sqlite)" = reveille
                """)
            try await box.sees("StatusText") { $0.contains("holding 1 wake for discord:default") }
            try box.openDiscord()
            try await box.isDeliveredOnce(note)
        }

        @Test("as a user's service with lingering it is back after a reboot, and delivers what was asked for before")
        func userService() async throws {
            let box = try Box.own()
            let note = "asked for by a user"
            try await box.shell(
                """
                useradd --create-home --home-dir /var/lib/agent --uid 1042 --shell /bin/sh agent
                loginctl enable-linger agent
                install -d -o agent -g agent /var/lib/agent/.config /var/lib/agent/.config/reveille
                printf %s "$(cat /etc/credstore/reveille-discord)" >/var/lib/agent/.config/reveille/discord.token
                cat >/var/lib/agent/.config/reveille/reveille.json5 <<END
                { discord: { accounts: { default: {
                    tokenFile: "~/.config/reveille/discord.token", apiBase: "http://127.0.0.1:\(box.port)/api/v10" } } } }
                END
                chown agent:agent /var/lib/agent/.config/reveille/*
                chmod 600 /var/lib/agent/.config/reveille/discord.token
                """)
            let asUser = "runuser -u agent -- env HOME=/var/lib/agent XDG_RUNTIME_DIR=/run/user/1042"
            try await box.eventually(
                "the user's manager", { try await "\(box.exec("test", "-S", "/run/user/1042/systemd/private").code)" }
            ) { $0 == "0" }
            let installed = try await box.exec("sh", "-c", "\(asUser) reveille install --user 2>&1")
            #expect(installed.code == 0, "\(installed)")
            // The system's own service would answer for the same bot.
            try await box.shell("systemctl disable --now reveille.socket reveille-tcp.socket reveille-notify.socket reveille")
            try await box.shell("\(asUser) reveille sentinel write --session '\(Box.session(1))' --note '\(note)' >/dev/null")
            try await box.verb("reboot")
            _ = try await box.message(note)
            let ended = "\(asUser) reveille status --json"
            try await box.eventually("the end of the user's wakes", { try await box.exec("sh", "-c", ended).text }) {
                $0.contains("\"wakesOpen\":0") && $0.contains("\"running\":true")
            }
            #expect(box.count(note) == 1)
            let state = try await box.exec("sh", "-c", "\(asUser) systemctl --user is-active reveille.service")
            #expect(state.text.hasPrefix("active"), "\(state)")
            try await box.shell("\(asUser) reveille uninstall --user >/dev/null; systemctl --quiet enable --now reveille")
        }
    }
}
