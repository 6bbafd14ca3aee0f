internal import WakeCore

/// Changes the configuration without writing to anybody's file: accepted patches are a layer of their own, with a log of them.
///
/// Its functions block, so they belong on a thread. They may be called from several, and from several processes: who changes the
/// configuration holds a lock, and who comes second finds that their base is gone.
public struct ConfigurationStore: Sendable {
    let loader: ConfigurationLoader
    /// Where the layer, the log and the lock lie: `config` in the ledger's directory.
    public let directory: String
    let operations: any FileOperations

    /// Finds the place; nothing is made there before the first change.
    ///
    /// - Parameter loader: the loader that the daemon reads its configuration with.
    /// - Throws: ``ConfigurationProblems`` if it can't be told where the ledger is.
    public init(loader: ConfigurationLoader) throws(ConfigurationProblems) {
        try self.init(loader: loader, operations: DiskOperations())
    }

    init(loader: ConfigurationLoader, operations: any FileOperations) throws(ConfigurationProblems) {
        self.loader = loader
        self.operations = operations
        guard let directory = try loader.readFiles().patchDirectory else {
            throw ConfigurationProblems(
                ConfigurationProblem(
                    .badValue, path: "ledger.directory", message: "it can't be told where the ledger is",
                    hint: "set HOME, or set ledger.directory"))
        }
        self.directory = directory
    }

    var log: PatchLog { PatchLog(directory: directory + "/log") }

    /// What is in force by the files now.
    ///
    /// - Returns: everything that may be shown of it.
    /// - Throws: ``ConfigurationProblems`` if it is faulty.
    public func current() throws(ConfigurationProblems) -> ConfigurationPicture {
        try ConfigurationBase(loader: loader).picture
    }

    /// Works out what a change would do, without touching anything.
    ///
    /// - Parameters:
    ///   - change: what is asked for.
    ///   - caller: who asks, as `uid:1000` or `token`, to tell whether they would lock themselves out.
    /// - Returns: the plan, for ``commit(_:by:note:session:at:)``.
    /// - Throws: ``ChangeFault`` with everything that is wrong.
    public func plan(_ change: ConfigurationChange, caller: String? = nil) throws(ChangeFault) -> ConfigurationPlan {
        let planner = ChangePlanner(base: try base(), loader: loader, caller: caller)
        return try planner.plan(change)
    }

    /// Works out what it would do to take an accepted change back: all others are done again in their order.
    ///
    /// - Parameters:
    ///   - number: the number of the entry; to take a revert back does what it reverted again.
    ///   - caller: who asks, as `uid:1000` or `token`.
    /// - Returns: the plan.
    /// - Throws: ``ChangeFault``: ``ChangeFault/Code/notFound`` if there is no such entry, ``ChangeFault/Code/invalid`` if it is taken
    ///   back already or if what remains is faulty.
    public func planRevert(of number: Int, caller: String? = nil) throws(ChangeFault) -> ConfigurationPlan {
        let planner = ChangePlanner(base: try base(), loader: loader, caller: caller)
        guard (1...max(1, planner.base.patches.number)).contains(number), planner.base.patches.number > 0 else {
            throw ChangeFault(
                .notFound, "there is no entry \(number) in the log", hint: "'reveille config log' lists the entries")
        }
        var entries: [ConfigurationPatchEntry] = []
        for each in 1...planner.base.patches.number { entries.append(try log.read(each)) }
        return try planner.planRevert(of: number, among: entries)
    }

    /// The accepted changes, the newest first.
    ///
    /// - Parameter limit: the most that are wanted.
    /// - Returns: at most so many.
    /// - Throws: ``ChangeFault`` if one can't be read, or if the configuration is faulty.
    public func log(limit: Int) throws(ChangeFault) -> [ConfigurationPatchEntry] {
        let newest = try base().patches.number
        var entries: [ConfigurationPatchEntry] = []
        for number in stride(from: newest, to: max(0, newest - max(0, limit)), by: -1) { entries.append(try log.read(number)) }
        return entries
    }

    func base() throws(ChangeFault) -> ConfigurationBase {
        do { return try ConfigurationBase(loader: loader) } catch {
            throw ChangeFault(error, message: "the configuration is faulty as it stands")
        }
    }
}
