import ControlServer
import GatewayProtocol
import Testing

@testable import ReveilleCommand

@Suite("The table of methods")
struct DeskTableTests {
    private static let working: Set<String> = [
        "health", "status", "channels.status", "channels.start", "channels.stop", "sessions.list", "logs.tail", "restarts.list",
        "wakes.list", "wakes.show", "wakes.retry", "wakes.cancel", "wakes.markDelivered", "sentinel.write", "sentinel.list",
        "sentinel.show", "sentinel.cancel", "wake", "system-event", "sessions.send", "chat.send", "send",
        "gateway.restart.request", "config.get",
        "config.schema.lookup", "config.set", "config.patch", "config.apply", "config.log", "config.revert",
        "agent", "cron.status", "cron.list", "cron.get", "cron.runs", "cron.add", "cron.remove", "cron.run",
    ]
    @Test("every method that is listed works; one that is gone or new is so on purpose")
    func names() {
        #expect(Set(Desk.table.map(\.name)) == Self.working)
        #expect(Desk.table.count == Self.working.count, "none twice")
    }

    @Test("what reads needs read, what changes wakes needs write, what changes the daemon needs admin")
    func scopes() {
        let scopes = Dictionary(uniqueKeysWithValues: Desk.table.map { ($0.name, $0.rule.scope) })
        for (name, scope) in scopes {
            let expected: Scope =
                switch name {
                case "wake", "system-event", "send", "sessions.send", "agent", "chat.send", "sentinel.write", "sentinel.cancel",
                    "wakes.retry", "wakes.cancel", "wakes.markDelivered":
                    .write
                case "channels.start", "channels.stop", "gateway.restart.request", "cron.add", "cron.remove", "cron.run": .admin
                default: name.hasPrefix("config.") ? .admin : .read
                }
            #expect(scope == expected, "\(name)")
        }
        let limited = Set(Desk.table.filter(\.rule.isLimited).map(\.name))
        #expect(
            limited == [
                "gateway.restart.request", "config.set", "config.patch", "config.apply", "config.revert", "cron.add",
                "cron.remove", "cron.run",
            ])
    }
}
