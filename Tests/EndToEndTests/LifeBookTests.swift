import DiscordLoopback
import Foundation
import LedgerSQLite
import Testing
import WakeCore

@Suite("What the ledger keeps beside wakes")
struct LifeBookTests {
    @Test("how each life of the daemon ended is known: as planned, stopped, cut off")
    func lives() async throws {
        try await Stage.play { stage in
            let planned = try await stage.startDaemon()
            _ = try await stage.askForRestart("a planned one")
            #expect(try await planned.ended() == .clean)
            try await stage.stop(try await stage.startDaemon())
            let killed = try await stage.startDaemon()
            killed.signal(SIGKILL)
            #expect(try await killed.ended() == .killed)
            let last = try await stage.startDaemon()
            let starts = try #require(try await stage.run("ledger", "starts", "--json")["starts"]?.array)
            #expect(starts.map { $0["running"]?.bool } == [true, false, false, false])
            #expect(starts.map { $0["end"]?.string } == [nil, "cut off", "stopped", "planned"])
            #expect(Set(starts.compactMap { $0["instance"]?.string }).count == 4)
            try await stage.stop(last)
            let shown = try await stage.run("ledger", "starts", "--limit", "1")
            #expect(
                shown.out.contains("stopped: it was told to stop") && shown.out.split(separator: "\n").count == 2, "\(shown.out)")
        }
    }

    @Test(
        "a device is let in, with what the operator says, and taken out again, whether or not the daemon runs",
        arguments: [true, false])
    func pairing(isUp: Bool) async throws {
        try await Stage.play { stage in
            try await stage.stop(try await stage.startDaemon())
            let daemon = isUp ? try await stage.startDaemon() : nil
            let client = try LedgerClient(at: stage.ledger)
            defer { client.close() }
            let ids = try ["one", "two"].map { device in
                try client.pairings.request(
                    device: device, publicKey: "key", scopes: ["operator.admin"], client: "a\u{1B}[31m program",
                    address: "10.0.0.7",
                    at: Moment(wallMilliseconds: 0, boot: BootID("b"), boottimeMicroseconds: 0))
            }
            let list = try await stage.run("pair", "list")
            #expect(list.out.contains(ids[0]) && list.out.contains("10.0.0.7") && !list.out.contains("\u{1B}"), "\(list.out)")
            let wrong = try await stage.run("pair", "approve", ids[0], "--scopes", "read,everything")
            #expect(wrong.code == 64 && wrong.errors.contains("everything"), "\(wrong)")
            let approved = try await stage.run(
                "pair", "approve", ids[0], "--scopes", "read, write", "--sessions", "agent:infra:*", "--json")
            #expect(approved["scopes"]?.array == ["operator.read", "operator.write"], "\(approved)")
            #expect(try client.pairings.pairing(ofDevice: "one", publicKey: "key")?.sessions == ["agent:infra:*"])
            #expect(try await stage.run("pair", "reject", ids[1]).code == 0)
            let all = try await stage.run("pair", "list", "--json")
            #expect(all["requests"]?.array == [] && all["devices"]?.array?.first?["device"]?.string == "one")
            #expect(try await stage.run("pair", "revoke", "one").code == 0)
            let gone = try await stage.run("pair", "revoke", "one")
            #expect(gone.code == 66 && gone.errors.contains("Try: "), "\(gone)")
            if let daemon { try await stage.stop(daemon) }
        }
    }
}
