import Glibc
public import WakeCore
public import WakeService

/// What a look at the ledger tells to somebody who wonders why nobody is woken.
public struct LedgerFacts: Sendable {
    /// What the ledger's pages and rows are like.
    public var report = LedgerReport()
    /// Who holds it: the daemon; nil if none does.
    public var daemon: InstanceHolder?
    /// The daemon's lives, newest first, the present one among them.
    public var starts: [StartRecord] = []
    /// Channels as the daemon saw them last.
    public var channels: [ChannelRecord] = []
    /// The places that something is owed to, or was sent to.
    public var routes: [Route] = []
    /// The sessions of requests that no daemon has taken up yet, and that name no place themselves.
    public var sessions: [SessionKey] = []
    /// When the oldest wake that is still owed was opened.
    public var oldestWake: Moment?
    /// Why what was owed in it is held until somebody adopts it.
    public var adoptionReason: String?

    /// A ledger that is in order, with nothing in it.
    public init() {}
}

/// What came of looking at the ledger.
public enum LedgerLook: Sendable {
    /// It was read.
    case seen(LedgerFacts)
    /// There is none yet.
    case missing
    /// It is there, and belongs to somebody else.
    case foreign(reason: String, fix: String)
    /// It can't be opened.
    case unusable(WakeError)

    /// What was read.
    public var facts: LedgerFacts? { if case .seen(let facts) = self { facts } else { nil } }

    /// Reads the ledger of a folder; changes nothing.
    public static func look(at path: String) -> LedgerLook {
        let folder = LedgerFolder(path)
        if let foreign = foreign(folder) { return foreign }
        guard folder.hasDatabase else { return .missing }
        do {
            let client = try LedgerClient(at: path)
            defer { client.close() }
            var facts = LedgerFacts()
            facts.report = client.check(isQuick: true)
            // A damaged ledger tells what it can.
            facts.daemon = try? client.daemon()
            facts.starts = (try? client.reader.starts(limit: StartBook.maximumPrevious + 1)) ?? []
            facts.channels = (try? client.reader.channels()) ?? []
            facts.adoptionReason = (try? client.reader.adoptionReason()) ?? nil
            let wakes = (try? client.reader.wakes(.live, limit: LedgerReader.maximumRows)) ?? []
            let sentinels = (try? client.reader.sentinels(open: true)) ?? []
            facts.oldestWake = wakes.last?.wake.openedAt
            let waiting = ((try? client.reader.inbox()) ?? []).compactMap { row in
                if case .request(let request) = row.item { request } else { nil }
            }
            facts.sessions = waiting.filter { $0.route == nil }.map(\.session)
            let checked = (try? client.reader.routes())?.map(\.route) ?? []
            facts.routes = wakes.map(\.wake.route) + sentinels.map(\.route) + waiting.compactMap(\.route) + checked
            return .seen(facts)
        } catch {
            return .unusable(error)
        }
    }

    /// Another user's ledger is no fault of anything: it is looked at as that user.
    private static func foreign(_ folder: LedgerFolder) -> LedgerLook? {
        let status = LedgerFolder.status(folder.path)
        let code = errno
        guard geteuid() != 0, status.map({ $0.st_uid != geteuid() }) ?? (code == EACCES) else { return nil }
        let owner = status.map { "it belongs to user \($0.st_uid), and this is user \(geteuid())" }
        return .foreign(
            reason: owner ?? "'\(folder.path)' may not be looked into",
            fix: "Run 'reveille doctor' as that user, or as root; or name the ledger with --ledger.")
    }
}
