import ArgumentParser
import GatewayClient
import OpenClawFacts
import ReveilleConfiguration
import WakeCore
import WakeService

/// `reveille sessions`: the sessions that we and a gateway know, and the key of the one that is meant.
struct SessionsVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List the sessions that are known, the latest first, or find the key of one.",
        discussion: """
            Those of our own ledger, and of the gateway where one is configured; with
            --gateway those of that gateway alone.

            --here finds the session that the environment names (REVEILLE_SESSION,
            OPENCLAW_SESSION_KEY, OPENCLAW_MCP_SESSION_KEY) and prints its key and nothing
            else; --match with --key does so for a channel, a thread, or a link to one.

              reveille sessions --gateway main
              reveille sessions --match 1234567890 --key
              reveille config patch --gateway main --session "$(reveille sessions --here)" …

            Exit code 66 where there is no such session.
            """)

    @OptionGroup var gateway: GatewayOptions
    @Option(name: .long, help: ArgumentHelp("Only those in this channel or thread: its id, or a link.", valueName: "id"))
    var match: String?
    @Flag(name: .long, help: "Print the key of the session that the environment names.") var here = false
    @Flag(name: .long, help: "With --match: print the key alone; there must be exactly one.") var key = false
    @Option(name: .long, help: "At most so many, 1 to 10000.") var limit = 50
    @OptionGroup var tries: WaitOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        guard !here || match == nil else {
            throw Complaint(.usage, "--here and --match can't be used together", hint: "Give one of them.")
        }
        guard !key || match != nil || here else {
            throw Complaint(.usage, "--key needs --match or --here", hint: "Say which session is meant.")
        }
        guard (1...10_000).contains(limit) else {
            throw Complaint(.usage, "--limit must be from 1 to 10000", hint: "Give another.")
        }
        let surroundings = Surroundings.ofThisProcess()
        let named = here ? try SessionName.inEnvironment(surroundings) : nil
        let loaded = try configuration.load(in: surroundings)
        let hasGateway = gateway.namesOne || !loaded.gateways.isEmpty
        let own = gateway.namesOne ? OwnSessions() : try OwnSessions(loaded, areAll: !hasGateway)
        let door = hasGateway ? try GatewayDoor.find(gateway, loaded, in: surroundings) : nil
        let moments = try SystemMoments(environment: surroundings.variables)
        let listed = if let door { try await rows(door, moments) } else { [SessionRow]() }
        let rows = SessionList.byRecency(own.joined(to: listed))
        let words = door?.words ?? "the ledger"
        if let named { return Printing.line(try SessionList.row(of: named, in: rows, words).key.description) }
        let found = match.map { SessionList.matching($0, in: rows) } ?? rows
        if let match, key { return Printing.line(try SessionList.only(found, match, words).key.description) }
        if let match, found.isEmpty { throw SessionList.nothing(match, words) }
        if output.json { return show(Array(found.prefix(limit)), own, gateway: door?.name) }
        show(Array(found.prefix(limit)), words, now: moments.now())
    }

    private func rows(_ door: GatewayDoor, _ moments: any MomentSource) async throws -> [SessionRow] {
        // What is looked for may be old: only a plain list is cut short by the gateway itself.
        let params: JSONValue = match == nil && !here ? ["limit": .integer(Int64(limit))] : [:]
        do {
            let caller = try await door.caller(moments: moments)
            let reply = try await caller.call("sessions.list", params, options: try tries.options())
            return SessionRow.rows(of: reply)
        } catch { throw door.complaint(any: error) }
    }

    private func show(_ rows: [SessionRow], _ own: OwnSessions, gateway: String?) {
        let list = rows.map { row -> JSONValue in
            var object = own.fields(of: row.key)
            for member in (SessionList.json(row, gateway: gateway).object ?? [:]).members { object[member.key] = member.value }
            return .object(object)
        }
        Printing.json(["sessions": .array(list)])
    }

    private func show(_ rows: [SessionRow], _ words: String, now: Moment) {
        guard !rows.isEmpty else { return Printing.line("\(words) has no session") }
        Printing.table(
            ["KEY", "AGE", "WORK", "PLACE", "NAME"],
            rows.map { row in
                [
                    row.key.description, SessionList.age(row, now: now), row.isActive == true ? "at work" : "-",
                    Printing.oneLine(SessionList.place(row)),
                    row.title == row.key.description ? "-" : Printing.oneLine(row.title),
                ]
            })
    }
}

/// The session that the environment of a command names.
enum SessionName {
    /// It; nil where none is named.
    static func fromEnvironment(_ surroundings: Surroundings) throws -> SessionEnvironment.NamedKey? {
        do { return try SessionEnvironment.environmentKey(from: surroundings.variables) } catch {
            throw Complaint(.usage, error.description, hint: error.hint)
        }
    }

    /// The same where one must be named.
    static func inEnvironment(_ surroundings: Surroundings) throws -> SessionEnvironment.NamedKey {
        guard let named = try fromEnvironment(surroundings) else {
            throw Complaint(
                .noInput, "the environment names no session",
                hint: "Find it by its place: reveille sessions --match CHANNEL --key; or set REVEILLE_SESSION for this command.")
        }
        return named
    }
}

/// Finds sessions in a gateway's list.
enum SessionList {
    /// The latest first; those that tell no time last.
    static func byRecency(_ rows: [SessionRow]) -> [SessionRow] {
        rows.sorted { ($0.updatedAt ?? .min, $1.key.description) > ($1.updatedAt ?? .min, $0.key.description) }
    }

    /// The row of the named session.
    ///
    /// - Throws: ``Complaint`` with 66 where the gateway lists none.
    static func row(of named: SessionEnvironment.NamedKey, in rows: [SessionRow], _ gateway: String) throws -> SessionRow {
        if let row = rows.first(where: { $0.key == named.key }) { return row }
        throw Complaint(
            .noInput, "\(gateway) lists no session \(named.key), which \(named.variable) names",
            hint: "See which there are: reveille sessions")
    }

    /// The sessions at a place: those whose own place it is, else those in one of its threads.
    static func matching(_ text: String, in rows: [SessionRow]) -> [SessionRow] {
        let place = id(in: text)
        let exact = rows.filter { $0.matches(place: place) }
        return exact.isEmpty ? rows.filter { $0.isWithin(channel: place) } : exact
    }

    /// The channel's id in a link such as `https://discord.com/channels/1/2/3`; any other text as it is.
    static func id(in text: String) -> String {
        guard let found = text.firstRange(of: "/channels/"), text.contains("://") else { return text }
        let parts = text[found.upperBound...].prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
        return parts.count >= 2 ? String(parts[1]) : text
    }

    /// The only one.
    static func only(_ rows: [SessionRow], _ text: String, _ gateway: String) throws -> SessionRow {
        guard let first = rows.first else { throw nothing(text, gateway) }
        guard rows.count == 1 else {
            throw Complaint(
                .usage,
                "\(rows.count) sessions are at '\(text)': \(rows.prefix(5).map(\.key.description).joined(separator: ", "))",
                hint: "Give the key itself, or the id of the thread.")
        }
        return first
    }

    static func nothing(_ text: String, _ gateway: String) -> Complaint {
        Complaint(
            .noInput, "\(gateway) has no session at '\(text)'",
            hint: "A session is there once somebody has spoken to the agent in that place; see reveille sessions.")
    }

    static func age(_ row: SessionRow, now: Moment) -> String {
        row.updatedAt.map { NoticeText.span(.milliseconds(max(0, now.wallMilliseconds - $0))) } ?? "-"
    }

    /// Where it is talked to, in the gateway's own words.
    static func place(_ row: SessionRow) -> String {
        let named = OpenClawFacts.DeliveryContext(of: row.key)
        let of = named.target == nil ? row.delivery : named
        guard let target = of.target else { return "-" }
        return ([of.transport, of.account].compactMap(\.self) + [target]).joined(separator: " ")
            + (of.thread.map { " thread:\($0)" } ?? "")
    }

    static func json(_ row: SessionRow, gateway: String?) -> JSONValue {
        var object: JSONObject = ["key": .string(row.key.description), "title": .string(row.title)]
        object["label"] = row.label.map { .string($0) }
        object["updatedAt"] = row.updatedAt.map { .string(WallTime.text(milliseconds: $0)) }
        object["atWork"] = row.isActive.map { .bool($0) }
        object["place"] = .string(place(row))
        object["route"] = gateway.flatMap { row.route(gateway: $0) }.map { .string($0.description) }
        return .object(object)
    }
}
