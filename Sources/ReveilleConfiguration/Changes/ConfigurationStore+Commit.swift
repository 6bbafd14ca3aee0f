internal import WakeCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ConfigurationStore {
    /// Puts a plan into force: first the entry of the log, then the layer, each whole or not at all and on the disk.
    ///
    /// The renaming of the layer is the one moment at which the change counts. Before it the configuration is as it was.
    ///
    /// - Parameters:
    ///   - plan: what ``plan(_:caller:)`` or ``planRevert(of:caller:)`` returned.
    ///   - by: who asks, as the log shows it.
    ///   - note: why.
    ///   - session: the session that asks.
    ///   - milliseconds: the wall time, since 1970.
    /// - Returns: the entry of the log; with number 0, and nothing written, if there was nothing to do.
    /// - Throws: ``ChangeFault``: ``ChangeFault/Code/conflict(currentHash:)`` if the configuration has changed since the plan was made.
    public func commit(
        _ plan: ConfigurationPlan, by: String, note: String?, session: String?, at milliseconds: Int64
    ) throws(ChangeFault) -> ConfigurationPatchEntry {
        guard by.utf8.count <= Limits.noteBytes, (note ?? "").utf8.count <= Limits.noteBytes else {
            throw ChangeFault(.invalid, "the note is over \(Limits.noteBytes) bytes long")
        }
        let entry = ConfigurationPatchEntry(
            number: plan.isNothing ? 0 : plan.layer.number, atMilliseconds: milliseconds, by: by, note: note, session: session,
            patch: plan.patch, changedPaths: plan.changedPaths, revertOf: plan.revertOf)
        if plan.isNothing { return entry }
        do { try operations.makeDirectory(directory + "/log") } catch { throw ChangeFault(error, "the change can't be kept") }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let hash = try base().hash
        guard hash == plan.hashBefore else {
            throw ChangeFault(
                .conflict(currentHash: hash), "the configuration has changed since: it is \(hash) now",
                hint: "read it again, and make the change for what it is now")
        }
        try write(entry, layer: plan.layer)
        return entry
    }

    private func lock() throws(ChangeFault) -> ChangeLock {
        do { return try ChangeLock(directory + "/lock") } catch {
            guard error.number == EWOULDBLOCK else { throw ChangeFault(error, "the change can't be kept") }
            throw ChangeFault(.locked, "another change of the configuration is under way", hint: "try again in a moment")
        }
    }

    private func write(_ entry: ConfigurationPatchEntry, layer: AcceptedPatches) throws(ChangeFault) {
        let layerBytes = layer.bytes
        let entryPath = log.path(of: entry.number)
        let layerPath = directory + "/" + AcceptedPatches.fileName
        do {
            try replace(entryPath, with: entry.json.bytes + [0x0A], in: log.directory)
        } catch {
            operations.remove(entryPath)
            throw ChangeFault(error, "the entry of the log can't be written")
        }
        do {
            try operations.write(layerBytes, to: layerPath + ".new")
            try operations.rename(layerPath + ".new", to: layerPath)
        } catch {
            operations.remove(layerPath + ".new")
            operations.remove(entryPath)
            throw ChangeFault(error, "the change can't be kept")
        }
        // From here on the change counts. That its name is on the disk too is all that can still fail, and no answer would undo it.
        try? operations.syncDirectory(directory)
        try? replace(directory + "/" + AcceptedPatches.lastGoodName, with: layerBytes, in: directory)
    }

    private func replace(_ path: String, with bytes: [UInt8], in directory: String) throws(FileFault) {
        do {
            try operations.write(bytes, to: path + ".new")
            try operations.rename(path + ".new", to: path)
        } catch {
            operations.remove(path + ".new")
            throw error
        }
        try operations.syncDirectory(directory)
    }
}
