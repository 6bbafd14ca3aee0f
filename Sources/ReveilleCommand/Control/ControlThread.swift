import GatewayProtocol
import LedgerSQLite
import ReveilleConfiguration
import WakeCore
import WakeService

/// A thread for what the control plane reads and writes on disk: the ledger and the configuration.
///
/// Its work is not lost when a caller goes away: nothing in it looks at cancellation.
actor ControlThread {
    private let executor = ThreadExecutor(name: "control")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let ledger: SQLiteLedger
    private let store: ConfigurationStore
    private var isChanging = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(ledger: SQLiteLedger, store: ConfigurationStore) {
        self.ledger = ledger
        self.store = store
    }

    // MARK: The ledger

    private func ask<Value>(_ work: () throws(WakeError) -> Value) throws(GatewayFault) -> Value {
        do { return try work() } catch { throw GatewayFault(error) }
    }

    func append(_ item: InboxItem) throws(GatewayFault) { _ = try ask { () throws(WakeError) in try ledger.append(item) } }

    func counts() throws(GatewayFault) -> LedgerCounts { try ask { () throws(WakeError) in try ledger.reader.counts() } }

    func sessions(limit: Int) throws(GatewayFault) -> [SessionRecord] {
        try ask { () throws(WakeError) in try ledger.reader.sessions(limit: limit) }
    }

    func jobs() throws(GatewayFault) -> ([Job], last: [JobID: JobRun]) {
        try ask { () throws(WakeError) in
            (try ledger.reader.jobs() + ledger.reader.pendingJobs(), last: try ledger.reader.lastJobRuns())
        }
    }

    func job(_ text: String) throws(GatewayFault) -> Job { try ask { () throws(WakeError) in try ledger.reader.knownJob(text) } }

    func jobRuns(of job: JobID?, limit: Int) throws(GatewayFault) -> [JobRun] {
        try ask { () throws(WakeError) in try ledger.reader.jobRuns(of: job, limit: limit) }
    }

    func jobCount() throws(GatewayFault) -> Int { try ask { () throws(WakeError) in try ledger.reader.jobCount() } }

    func wakes(_ filter: WakeFilter, limit: Int) throws(GatewayFault) -> [WakeRecord] {
        try ask { () throws(WakeError) in try ledger.reader.wakes(filter, limit: limit) }
    }

    func wake(_ id: String) throws(GatewayFault) -> WakeRecord { try ask { () throws(WakeError) in try ledger.reader.wake(id) } }

    func sentinels(open: Bool, limit: Int) throws(GatewayFault) -> [Sentinel] {
        try ask { () throws(WakeError) in try ledger.reader.sentinels(open: open, limit: limit) }
    }

    func sentinel(_ id: String) throws(GatewayFault) -> Sentinel {
        try ask { () throws(WakeError) in try ledger.reader.sentinel(id) }
    }

    /// The daemon's own starts, and the restarts that were asked for or seen.
    func restarts(limit: Int) throws(GatewayFault) -> (starts: [StartRecord], restarts: [RestartRecord]) {
        try ask { () throws(WakeError) in
            (try ledger.reader.starts(limit: limit), try ledger.reader.restarts(limit: limit))
        }
    }

    // MARK: Idempotency keys

    func claim(
        caller: String, method: String, key: String, digest: String, at moment: Moment
    ) throws(GatewayFault) -> IdempotencyBook.Claim {
        try ask { () throws(WakeError) in
            try ledger.idempotency.claim(caller: caller, method: method, key: key, digest: digest, at: moment)
        }
    }

    func settle(caller: String, method: String, key: String, reply: JSONValue, at moment: Moment) throws(GatewayFault) {
        try ask { () throws(WakeError) in
            try ledger.idempotency.settle(caller: caller, method: method, key: key, reply: reply, at: moment)
        }
    }

    func abandon(caller: String, method: String, key: String) throws(GatewayFault) {
        try ask { () throws(WakeError) in try ledger.idempotency.abandon(caller: caller, method: method, key: key) }
    }

    // MARK: Pairings

    func pairing(ofDevice device: String, publicKey: String) throws(WakeError) -> PairingRecord? {
        try ledger.pairings.pairing(ofDevice: device, publicKey: publicKey)
    }

    func requestPairing(
        device: String, publicKey: String, scopes: [String], client: String, address: String, at moment: Moment
    ) throws(WakeError) -> String {
        try ledger.pairings.request(
            device: device, publicKey: publicKey, scopes: scopes, client: client, address: address, at: moment)
    }

    // MARK: The configuration

    private func change<Value>(_ work: () throws(ChangeFault) -> Value) throws(GatewayFault) -> Value {
        do { return try work() } catch { throw GatewayFault(error) }
    }

    func picture() throws(GatewayFault) -> ConfigurationPicture {
        do { return try store.current() } catch {
            throw GatewayFault(
                .unavailable, "the configuration on disk is faulty, and the one before it is in force: \(error)",
                details: ["reason": "config-faulty"])
        }
    }

    func log(limit: Int) throws(GatewayFault) -> [ConfigurationPatchEntry] {
        try change { () throws(ChangeFault) in try store.log(limit: limit) }
    }

    func plan(
        _ wanted: ConfigurationChange?, revert number: Int?, caller: String
    ) throws(GatewayFault) -> ConfigurationPlan {
        try change { () throws(ChangeFault) in
            if let wanted { return try store.plan(wanted, caller: caller) }
            return try store.planRevert(of: number ?? 0, caller: caller)
        }
    }

    func commit(
        _ plan: ConfigurationPlan, by: String, note: String?, session: String?, at milliseconds: Int64
    ) throws(GatewayFault) -> ConfigurationPatchEntry {
        try change { () throws(ChangeFault) in
            try store.commit(plan, by: by, note: note, session: session, at: milliseconds)
        }
    }

    /// Whether a daemon could start with it.
    func check(_ configuration: Configuration, _ live: LiveConfiguration) throws(GatewayFault) {
        do { try live.check(configuration) } catch {
            throw GatewayFault(
                .invalidRequest, "the daemon could not start with this: \(error)", details: ["code": "CONFIG_UNUSABLE"])
        }
    }

    /// Reads the configuration again and takes over what can be.
    func takeOver(_ live: LiveConfiguration) throws -> LiveConfiguration.Takeover { try live.takeOver() }

    /// Lets one change after another through: between a plan and its commit nobody else's comes.
    nonisolated func oneAtATime<Value: Sendable>(
        _ work: () async throws(GatewayFault) -> Value
    ) async throws(GatewayFault) -> Value {
        await begin()
        do throws(GatewayFault) {
            let value = try await work()
            await end()
            return value
        } catch {
            await end()
            throw error
        }
    }

    private func begin() async {
        guard isChanging else { return isChanging = true }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func end() {
        guard !waiting.isEmpty else { return isChanging = false }
        waiting.removeFirst().resume()
    }
}
