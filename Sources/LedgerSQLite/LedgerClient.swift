public import WakeService

/// The ledger as any process of its owner may use it, beside the daemon or while it is down: append to the inbox, and read.
public final class LedgerClient: Inbox {
    /// Where the ledger lives.
    public let folder: LedgerFolder
    /// Looks things up for people.
    public let reader: LedgerReader

    let store: Store

    /// Opens the ledger in a folder.
    ///
    /// - Parameters:
    ///   - path: the folder.
    ///   - createIfMissing: makes the folder and the ledger where they are missing; default no.
    /// - Throws: ``WakeService/WakeError``: `ledger-unavailable`, `ledger-locked`, `ledger-corrupt`, `not-a-ledger`, `ledger-newer`.
    public convenience init(at path: String, createIfMissing: Bool = false) throws(WakeError) {
        try self.init(LedgerFolder(path), .current, createIfMissing: createIfMissing)
    }

    init(_ folder: LedgerFolder, _ schema: Schema, createIfMissing: Bool) throws(WakeError) {
        if createIfMissing { try folder.create() }
        try folder.verify()
        self.folder = folder
        store = try Opening(folder: folder, schema: schema)
            .asClient(create: createIfMissing)
        reader = LedgerReader(store)
    }

    /// Closes the files. The write-ahead log is left to the daemon.
    public func close() { store.close() }

    /// See ``WakeService/Inbox/append(_:)``.
    ///
    /// - Throws: also ``WakeService/WakeError/Code/invalidRequest`` for a request with problems.
    public func append(_ item: InboxItem) throws(WakeError) -> Int64 { try InboxRows(store: store).append(item) }

    /// The daemon that holds the ledger now; nil if none does.
    public func daemon() throws(WakeError) -> InstanceHolder? { try InstanceLock.holder(folder) }

    /// The daemon that holds the ledger of a folder now; nil if none does, or there is no ledger.
    public static func daemon(at path: String) throws(WakeError) -> InstanceHolder? {
        try InstanceLock.holder(LedgerFolder(path))
    }
}
