import ArgumentParser
import Foundation
import GatewayProtocol
import LedgerSQLite
import WakeCore
import WakeService

/// `reveille pair`: which devices may use the control plane. Works while the daemon is down too.
struct PairVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pair", abstract: "List the devices that may use the control plane; let one in, or take it out.",
        discussion: """
            A device that is not known yet asks by connecting; `reveille pair list` shows
            its request, and what it may do is decided here:

              reveille pair approve k3w9mdtz --scopes read,write --sessions 'agent:infra:*'
            """,
        subcommands: [PairList.self, PairApprove.self, PairReject.self, PairRevoke.self])
}

struct PairList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List requests that wait for a decision, and paired devices.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let requests = try client.pairings.requests()
        let pairings = try client.pairings.pairings()
        if output.json {
            return Printing.json(["requests": .array(requests.map(\.json)), "devices": .array(pairings.map(\.json))])
        }
        if !requests.isEmpty {
            Printing.table(
                ["REQUEST", "ASKED", "SCOPES", "FROM", "DEVICE", "CLIENT"],
                requests.map {
                    [
                        $0.id, WallTime.text(milliseconds: $0.askedMilliseconds), PairText.list($0.scopes),
                        Printing.oneLine($0.address), Printing.oneLine($0.device, maximumCharacters: 80),
                        Printing.oneLine($0.client),
                    ]
                })
        }
        Printing.table(
            ["DEVICE", "APPROVED", "SCOPES", "SESSIONS", "CLIENT"],
            pairings.map {
                [
                    Printing.oneLine($0.device, maximumCharacters: 80), WallTime.text(milliseconds: $0.approvedMilliseconds),
                    PairText.list($0.scopes), $0.sessions.map(PairText.list) ?? "all", Printing.oneLine($0.client),
                ]
            })
    }
}

struct PairApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "approve", abstract: "Let the device of a request in.")

    @Argument(help: "The request's id, as `reveille pair list` shows it.") var id: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "What it may do, by commas: read, write, pairing, admin; default: what it asked for.", valueName: "names"))
    var scopes: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Which sessions it may name, * stands for any text; may be repeated; default: all.", valueName: "pattern"))
    var sessions: [String] = []
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let chosen = try scopes.map(PairText.scopes)
        let patterns = sessions.isEmpty ? nil : sessions
        if let wrong = patterns?.first(where: { $0.isEmpty || $0.utf8.count > SessionKey.maximumBytes }) {
            throw Complaint(
                .usage, "--sessions: '\(Printing.oneLine(wrong))' is no pattern of session keys",
                hint: "Such as 'agent:infra:*'; 1 to \(SessionKey.maximumBytes) bytes.")
        }
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        let now = try SystemMoments(environment: ProcessInfo.processInfo.environment).now()
        let pairing = try client.pairings.approve(id, scopes: chosen, sessions: patterns, at: now)
        if output.json { return Printing.json(.object(pairing.object)) }
        Printing.line(
            "\(Printing.oneLine(pairing.device, maximumCharacters: 80)) is paired: \(PairText.list(pairing.scopes)), "
                + "sessions \(pairing.sessions.map(PairText.list) ?? "all")")
    }
}

struct PairReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "reject", abstract: "Drop a request.")

    @Argument(help: "The request's id, as `reveille pair list` shows it.") var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        try client.pairings.reject(id)
        if output.json { return Printing.json(["rejected": .string(id)]) }
        Printing.line("request \(id) is dropped; the device may ask again")
    }
}

struct PairRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a device's pairing back: its next connection is refused.")

    @Argument(help: "The device's id, as `reveille pair list` shows it.") var device: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let client = try LedgerAccess.open(configuration)
        defer { client.close() }
        try client.pairings.revoke(device: device)
        if output.json { return Printing.json(["revoked": .string(device)]) }
        Printing.line("\(Printing.oneLine(device, maximumCharacters: 80)) is not paired any more")
    }
}

/// Scopes and patterns as people write them.
enum PairText {
    /// The scopes that `--scopes` names: by their last word or whole.
    static func scopes(_ text: String) throws -> [String] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let name = part.filter { $0 != " " }
            guard let scope = Scope(rawValue: name) ?? Scope(rawValue: "operator." + name) else {
                throw Complaint(
                    .usage, "--scopes: '\(Printing.oneLine(name))' is no scope",
                    hint: "Give read, write, pairing or admin, parted by commas.")
            }
            return scope.rawValue
        }
    }

    static func list(_ texts: [String]) -> String {
        texts.isEmpty ? "none" : Printing.oneLine(texts.joined(separator: ","), maximumCharacters: 120)
    }
}

extension PairingRecord {
    fileprivate var object: JSONObject {
        [
            "device": .string(device), "publicKey": .string(publicKey), "scopes": .array(scopes.map { .string($0) }),
            "sessions": sessions.map { .array($0.map { .string($0) }) } ?? .null, "client": .string(client),
            "approved": .string(WallTime.text(milliseconds: approvedMilliseconds)),
        ]
    }

    fileprivate var json: JSONValue { .object(object) }
}

extension PairingRequestRecord {
    fileprivate var json: JSONValue {
        [
            "id": .string(id), "device": .string(device), "publicKey": .string(publicKey),
            "scopes": .array(scopes.map { .string($0) }), "client": .string(client), "address": .string(address),
            "asked": .string(WallTime.text(milliseconds: askedMilliseconds)),
        ]
    }
}
