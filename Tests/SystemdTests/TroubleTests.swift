import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("Troubles", .box("troubles"))
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
    }
}
