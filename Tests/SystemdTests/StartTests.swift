import DiscordLoopback
import Foundation
import Testing
import WakeCore

extension RealSystemd {
    @Suite("The daemon as a service", .box("start"))
    struct Start {
        @Test("it is ready for systemd only when recovery is done, and says in words how it is")
        func ready() async throws {
            let box = try Box.own()
            let mark = box.journalMark()
            try await box.shell("systemctl restart reveille")
            let ours = try await box.journal("REVEILLE_EVENT=ready", after: mark)
            let theirs = try await box.journal("UNIT=reveille.service", after: mark, words: "Started reveille.service")
            #expect(try number(ours["__MONOTONIC_TIMESTAMP"]) < number(theirs["__MONOTONIC_TIMESTAMP"]))
            try await box.sees("StatusText") { $0 == "discord:default ready" }
            #expect(try await box.property("Type") == "notify")
            let start = try #require(Int(try await box.property("ExecMainStartTimestampMonotonic")))
            let ready = try #require(Int(try await box.property("ActiveEnterTimestampMonotonic")))
            print("SystemdTests: process start to READY=1 as systemd sees it: \((ready - start) / 1000) ms (this build)")
        }

        private func number(_ value: JSONValue?) throws -> Int { try #require(value?.string.flatMap { Int($0) }) }

        @Test("READY waits for the channels that are named, as long as it asks for more time")
        func readyWhen() async throws {
            let box = try Box.own()
            try await box.configure("daemon: { readyWhen: [\"discord:default\"] }")
            try await box.unit("reveille.service.d/late.conf", "[Service]\nTimeoutStartSec=4s\n")
            let since = box.mark
            box.world.add(try LoopbackFault("late-ready delay_ms=9000"))
            try await box.shell("systemctl restart --no-block reveille")
            try await box.sees("StatusText") { $0.hasPrefix("not ready before discord:default: ") }
            #expect(try await box.property("ActiveState") == "activating")
            try await box.sees("ActiveState") { $0 != "activating" }
            #expect(try await box.property("ActiveState") == "active")
            #expect(try await box.property("NRestarts") == "0")
            #expect(box.world.log.events.contains { $0.number > since && ["ready", "resumed"].contains($0.name) })
            try await box.configure()
            try await box.withdraw("late.conf")
        }

        @Test("a held wake is delivered once after restarts by a third party, and an upgrade, in the meantime")
        func thirdParty() async throws {
            let box = try Box.own()
            let note = "held over restarts"
            try await box.shutDiscord()
            try await box.ask("sentinel", "write", note: note)
            let mark = box.journalMark()
            try await box.shell("systemctl restart reveille")
            try await box.journal("REVEILLE_EVENT=deliveryHeld", after: mark)
            try await box.shell("systemctl restart reveille")
            let old = try await box.property("MainPID")
            try await box.install()
            #expect(try await box.shell("readlink /proc/\(old)/exe").hasSuffix("(deleted)"))
            try await box.shell("systemctl restart reveille")
            let new = try await box.property("MainPID")
            #expect(try await box.shell("readlink /proc/\(new)/exe") == "/usr/local/bin/reveille")
            try await box.sees("StatusText") { $0.contains("holding 1 wake for discord:default") }
            #expect(box.count(note) == 0)
            try box.openDiscord()
            try await box.isDeliveredOnce(note)
        }

        @Test("a daemon that hangs is killed by the watchdog, comes back, and delivers what was held once")
        func watchdog() async throws {
            let box = try Box.own()
            let note = "held while the daemon hung"
            try await box.unit("reveille.service.d/watchdog.conf", "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n")
            try await box.shutDiscord()
            try await box.ask("sentinel", "write", note: note)
            try await box.shell("systemctl restart reveille")
            let mark = box.journalMark()
            try await box.shell("systemctl kill --kill-whom=main -s STOP reveille")
            try await box.journal("UNIT=reveille.service", after: mark, words: "Watchdog timeout")
            try await box.journal("REVEILLE_EVENT=ready", after: mark)
            try await box.sees("ActiveState") { $0 == "active" }
            #expect(try await box.property("NRestarts") == "1")
            try box.openDiscord()
            try await box.isDeliveredOnce(note)
            try await box.withdraw("watchdog.conf")
        }

        @Test("without its token it says so to systemd and to the journal, and starts when the token is there")
        func credential() async throws {
            let box = try Box.own()
            try await box.shell("mv /etc/credstore/reveille-discord /root/token")
            let mark = box.journalMark()
            _ = try await box.exec("systemctl", "restart", "reveille")
            try await box.journal(
                "_SYSTEMD_UNIT=reveille.service", after: mark, words: "no token for discord:default: no credential")
            try await box.sees("StatusText") { $0.contains("no token for discord:default") }
            try await box.sees("StatusErrno") { $0 != "0" }
            try await box.shell("mv /root/token /etc/credstore/reveille-discord")
            // It tries again by itself.
            try await box.sees("StatusText") { $0 == "discord:default ready" }
            #expect(try await box.property("Environment").contains("loop.back") == false)
        }

        @Test("the journal tells one wake's whole story by its id, and explains each line in words")
        func journal() async throws {
            let box = try Box.own()
            let note = "a story for the journal"
            try await box.ask("sentinel", "write", note: note)
            try await box.shell("systemctl restart reveille")
            let trailer = try await box.message(note)["content"] ?? ""
            let wake = try #require(trailer.split(separator: " ").last.map(String.init))
            try await box.journal("REVEILLE_WAKE=\(wake)", "REVEILLE_EVENT=wakeEnded")
            let story = try await box.journalText("-o", "json", "REVEILLE_WAKE=\(wake)").split(separator: "\n").compactMap {
                try? JSONValue.parse(Array($0.utf8))
            }
            let events = story.compactMap { $0["REVEILLE_EVENT"]?.string }
            #expect(events.first == "wakeOpened")
            for event in ["deliveryHeld", "deliverySending", "deliveryDelivered", "wakeEnded"] { #expect(events.contains(event)) }
            for line in story { #expect(line["REVEILLE_CHANNEL"]?.string?.contains("/") != true, "\(line)") }
            #expect(story.contains { $0["REVEILLE_CHANNEL"]?.string == "discord:default" })
            let explained = try await box.journalText("-x", "_SYSTEMD_UNIT=reveille.service")
            #expect(explained.contains("A wake is owed to \(Box.session)"))
            #expect(explained.contains("A wake has arrived"))
            let raw = explained.matches(of: /@?REVEILLE_[A-Z]+(?!=|[A-Z_])@?/).map { String($0.output) }
            #expect(raw.isEmpty, "\(raw)")
        }
    }
}

extension Box {
    /// Discord can't be reached from now on.
    func shutDiscord() async throws {
        try world.perform(.outage(.refuse, lasting: nil))
        try world.perform(.dropConnections(reset: true))
        try await sees("StatusText") { $0 != "discord:default ready" }
    }

    /// Takes a drop-in of the daemon's away.
    func withdraw(_ dropIn: String) async throws {
        try await shell(
            "rm /etc/systemd/system/reveille.service.d/\(dropIn); systemctl daemon-reload; systemctl restart reveille")
    }

    func openDiscord() throws { try world.perform(.endOutage) }
}
