import ArgumentParser
import Foundation
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille status`: what runs, what is held, and what for.
struct StatusVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the daemon runs, how its channels are, and what is owed to whom.",
        discussion: "Exit code 0 if the daemon runs, 69 if not.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let loaded = try configuration.load()
        let client = try LedgerClient(at: loaded.ledger.directory)
        defer { client.close() }
        let daemon = try client.daemon()
        let counts = try client.reader.counts()
        let gates = try LedgerAccess.gates(client)
        let held = try client.reader.wakes(.live, limit: 20)
        let adoption = try client.reader.adoptionReason()
        if output.json {
            Printing.json(json(daemon, counts, gates, held, adoption))
        } else {
            Printing.line(daemon.map { "daemon: up, pid \($0.pid)" } ?? "daemon: down (start it with: reveille daemon)")
            if let adoption { Printing.line("ledger: \(adoption); decide with: reveille ledger adopt") }
            for (channel, state) in gates.channels.sorted(by: { $0.key < $1.key }) { Printing.line("\(channel): \(state.words)") }
            Printing.line("sentinels open: \(counts.openSentinels); waiting in the inbox: \(counts.inboxRows)")
            let states = counts.liveDeliveries.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            Printing.line("wakes open: \(counts.liveWakes)" + (states.isEmpty ? "" : " (deliveries: \(states))"))
            if counts.unresolvedDeliveries > 0 {
                Printing.line(
                    "unresolved: \(counts.unresolvedDeliveries), waiting for your word: reveille wake list --unresolved")
            }
            if counts.refusedRows > 0 { Printing.line("requests set aside as unusable: \(counts.refusedRows)") }
            for record in held {
                for delivery in record.deliveries where delivery.isActive {
                    Printing.line(
                        "  \(record.wake.id) \(record.wake.session): \(delivery.words(waitsFor: gates.shut(delivery)))")
                }
            }
        }
        if daemon == nil { throw ExitCode(Complaint.Code.unavailable.rawValue) }
    }

    private func json(
        _ daemon: InstanceHolder?, _ counts: LedgerCounts, _ gates: Gates, _ held: [WakeRecord], _ adoption: String?
    ) -> JSONValue {
        var object: JSONObject = [
            "daemon": daemon.map { ["running": true, "pid": .integer(Int64($0.pid))] } ?? ["running": false],
            "channels": .array(
                gates.channels.sorted { $0.key < $1.key }.map { name, state in
                    ["channel": .string(name.description), "ready": .bool(state.isReady), "state": .string(state.words)]
                }),
            "sentinelsOpen": .integer(Int64(counts.openSentinels)), "inboxRows": .integer(Int64(counts.inboxRows)),
            "wakesOpen": .integer(Int64(counts.liveWakes)),
            "deliveries": .object(
                JSONObject(
                    counts.liveDeliveries.sorted { $0.key < $1.key }
                        .map { JSONObject.Member(key: $0.key, value: .integer(Int64($0.value))) })),
            "unresolved": .integer(Int64(counts.unresolvedDeliveries)), "refusedRows": .integer(Int64(counts.refusedRows)),
            "wakes": .array(held.map { .object($0.json(gates)) }),
        ]
        object["adoptionReason"] = adoption.map { .string($0) }
        return .object(object)
    }
}
