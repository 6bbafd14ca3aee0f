internal import WakeCore

/// Works out what a change of the configuration would do. Pure but for the reading of files.
struct ChangePlanner {
    let base: ConfigurationBase
    let loader: ConfigurationLoader
    /// Who asks: `uid:1000`, `token`, or nobody in particular.
    let caller: String?

    func plan(_ change: ConfigurationChange) throws(ChangeFault) -> ConfigurationPlan {
        let raw: String
        let hash: String?
        var replaced: Set<[String]> = []
        switch change {
        case .patch(let text, let replacePaths, let baseHash):
            (raw, hash) = (text, baseHash)
            replaced = try Self.paths(replacePaths)
        case .apply(let text, let baseHash): (raw, hash) = (text, baseHash)
        }
        try checkBase(hash)
        let wish = try Self.document(raw)
        let before = base.parsed
        let pure: JSONValue
        switch change {
        case .patch:
            pure = MergePatch.resolvingIdentifiers(of: wish, over: before, replaced: replaced)
            try Self.checkTouch(pure, because: "the change sets it")
            try Self.checkArrays(pure, over: before, replaced: replaced)
        case .apply:
            pure = Self.keepingFixed(MergePatch.difference(from: before, to: wish), wish: wish, before: before)
            try Self.checkTouch(pure, because: "the configuration that is given says otherwise than the files")
        }
        let number = base.patches.number + 1
        return try plan(patch: pure, layer: base.patches.adding(pure, number: number, over: base.files), revertOf: nil)
    }

    func planRevert(of number: Int, among entries: [ConfigurationPatchEntry]) throws(ChangeFault) -> ConfigurationPlan {
        var reverted: Set<Int> = []
        for entry in entries.reversed() where !reverted.contains(entry.number) {
            if let other = entry.revertOf { reverted.insert(other) }
        }
        guard !reverted.contains(number) else {
            throw ChangeFault(
                .invalid, "entry \(number) is taken back already", hint: "take back the revert itself to have it again")
        }
        // The new revert stands above all others, so what it takes back is decided anew from the top.
        reverted = [number]
        for entry in entries.reversed() where !reverted.contains(entry.number) {
            if let other = entry.revertOf { reverted.insert(other) }
        }
        var layer = AcceptedPatches()
        for entry in entries where entry.revertOf == nil && !reverted.contains(entry.number) {
            layer = layer.adding(entry.patch, number: entry.number, over: base.files)
        }
        layer.number = base.patches.number + 1
        let after = MergePatch.apply(layer.patch, to: base.files)
        return try plan(patch: MergePatch.difference(from: base.parsed, to: after), layer: layer, revertOf: number)
    }

    private func plan(patch: JSONValue, layer: AcceptedPatches, revertOf: Int?) throws(ChangeFault) -> ConfigurationPlan {
        guard layer.number <= PatchLog.entriesMaximumCount else {
            throw ChangeFault(
                .storage, "the log of changes is full: \(PatchLog.entriesMaximumCount) entries",
                hint:
                    "move what the patches say into the configuration file, and take the folder \(base.layers.patchDirectory ?? "") away"
            )
        }
        let bytes = layer.bytes
        guard bytes.count <= ConfigurationLoader.patchesMaximumBytes else {
            throw ChangeFault(.invalid, "all accepted patches together are over \(ConfigurationLoader.patchesMaximumBytes) bytes")
        }
        let resulting: Configuration
        do {
            resulting = try loader.finish(base.layers, with: layer, looked: base.resolved.configuration.files, warnings: [])
                .configuration
        } catch {
            throw ChangeFault(error, message: "the configuration that this leads to is faulty; nothing was changed")
        }
        let after = MergePatch.apply(layer.patch, to: base.files)
        let changed = MergePatch.changedPaths(from: base.parsed, to: after).filter(Self.counts).map { ConfigurationPath($0) }
        let effects = ChangeEffects(before: base.resolved.configuration, after: resulting)
        let each = changed.map { (path: "\($0)", effect: effects.effect(of: $0)) }
        let above = Set(ConfigurationBase.shadowed(in: resulting))
        return ConfigurationPlan(
            changedPaths: changed.map { "\($0)" }, effects: each,
            needs: KeyDescriptor.ChangeEffect.strongest(each.map(\.effect)), resulting: resulting, hashBefore: base.hash,
            hashAfter: changed.isEmpty && revertOf == nil ? base.hash : base.hash(withPatches: bytes),
            shadowed: changed.filter { above.contains($0) }.map { "\($0)" }, patch: patch,
            locksOut: Lockout(before: base.resolved.configuration, after: resulting, caller: caller, in: loader.surroundings)
                .reasons, layer: layer, revertOf: revertOf)
    }

    private func checkBase(_ given: String?) throws(ChangeFault) {
        let hash = base.hash
        guard let given, !given.isEmpty else {
            throw ChangeFault(
                .baseHashMissing(currentHash: hash),
                "the change does not say what it was made for: the configuration is \(hash) now",
                hint: "read the configuration with config.get, and give its hash as baseHash")
        }
        guard given == hash else {
            throw ChangeFault(
                .conflict(currentHash: hash), "the configuration is another one than the change was made for: it is \(hash) now",
                hint: "read it again with config.get, and make the change for what it is now")
        }
        guard !base.hasLostPatches else {
            throw ChangeFault(
                .storage, base.resolved.configuration.warnings.joined(separator: "; "),
                hint: "mend what is named there, or take a patch back with 'reveille config revert'")
        }
    }

    /// An object without members counts only where its name alone says something: as an account.
    private static func counts(_ path: [String]) -> Bool {
        if path.count == 3, path.starts(with: ["discord", "accounts"]) { return true }
        return KeyTree.descend(path)?.descriptor != nil
    }
}

/// What a change of one key needs, where the configuration before and after is known.
struct ChangeEffects {
    let before: Configuration
    let after: Configuration

    func effect(of path: ConfigurationPath) -> KeyDescriptor.ChangeEffect {
        let keys = path.components
        if keys.count > 2, keys.starts(with: ["discord", "accounts"]) {
            let isLasting = before.discordAccounts[keys[2]] != nil && after.discordAccounts[keys[2]] != nil
            if !isLasting || Set(before.discordAccounts.keys) != Set(after.discordAccounts.keys) { return .daemonRestart }
        }
        guard let descriptor = KeyTree.descend(keys)?.descriptor else { return .nothing }
        let old = before.settings.first { $0.path == path }?.value
        let new = after.settings.first { $0.path == path }?.value
        return old == new ? .nothing : descriptor.change
    }
}

extension KeyDescriptor.ChangeEffect {
    /// From the least to the most.
    static let byStrength: [KeyDescriptor.ChangeEffect] = [.nothing, .reload, .channelRestart, .daemonRestart]

    /// The one that includes all the others; ``nothing`` of none.
    static func strongest(_ effects: [KeyDescriptor.ChangeEffect]) -> KeyDescriptor.ChangeEffect {
        byStrength.last { effects.contains($0) } ?? .nothing
    }
}
