/// The layers of the configuration that are files, as they were read.
struct FileLayers {
    /// Which files were looked for.
    let files: ConfigurationFiles
    /// The main file and the drop-ins that were read, in the order in which they count.
    var texts: [(path: String, bytes: [UInt8])] = []
    /// Every file that was looked for, and whether it was there.
    var looked: [(path: String, wasRead: Bool)] = []
    /// What they say.
    var collector: SettingsCollector
    /// The directory of the accepted patches; nil if it can't be told where the ledger is.
    var patchDirectory: String?
    /// The accepted patches as they lie there; nil if there are none.
    var patchBytes: [UInt8]?
    /// Why they can't be read, in words.
    var patchFault: String?

    var patchFile: String { ConfigurationFiles.join(patchDirectory ?? "", AcceptedPatches.fileName) }
    var lastGoodFile: String { ConfigurationFiles.join(patchDirectory ?? "", AcceptedPatches.lastGoodName) }
}

/// All layers together.
struct ResolvedLayers {
    let configuration: Configuration
    /// What the files and the accepted patches say, without environment, flags and defaults.
    let ofFiles: [ConfigurationPath: ConfigurationSetting]
    /// The accepted patches that count.
    let patches: AcceptedPatches
}

extension ConfigurationLoader {
    /// Reads every file, the accepted patches included.
    func readFiles() throws(ConfigurationProblems) -> FileLayers {
        let files: ConfigurationFiles
        do {
            files = try ConfigurationFiles(file: file, scope: scope, in: surroundings)
        } catch {
            throw ConfigurationProblems(error)
        }
        var layers = FileLayers(files: files, collector: SettingsCollector(surroundings: surroundings))
        read(files.main, mustExist: files.isNamed, into: &layers)
        for name in dropIns(of: files, problems: &layers.collector) {
            read(ConfigurationFiles.join(files.dropInDirectory, name), mustExist: true, into: &layers)
        }
        layers.patchDirectory = ledgerDirectory(layers).map { ConfigurationFiles.join($0, "config") }
        guard layers.patchDirectory != nil else { return layers }
        do {
            layers.patchBytes = try BoundedFile.read(layers.patchFile, maximumBytes: Self.patchesMaximumBytes)
        } catch BoundedFile.Fault.absent {
        } catch {
            layers.patchFault = (error as? BoundedFile.Fault)?.words ?? "can't be read"
        }
        return layers
    }

    /// The largest file of accepted patches: values, and where each comes from.
    static let patchesMaximumBytes = 2 * JSON5.textMaximumBytes

    /// Puts the layers together. Our own layer never keeps the daemon from starting: if the accepted patches can't be used, the last
    /// good ones are, and if not even those, none.
    func resolve(_ layers: FileLayers) throws(ConfigurationProblems) -> ResolvedLayers {
        var looked = layers.looked
        guard layers.patchBytes != nil || layers.patchFault != nil else {
            return try finish(layers, with: AcceptedPatches(), looked: looked, warnings: [])
        }
        looked.append((layers.patchFile, layers.patchBytes != nil))
        var fault = layers.patchFault ?? "is not what was written there"
        // Without them the numbers of the log go on, else the next change would write over the first.
        var none = AcceptedPatches()
        if let patches = layers.patchBytes.flatMap({ AcceptedPatches($0) }) {
            none.number = patches.number
            do { return try finish(layers, with: patches, looked: looked, warnings: []) } catch {
                fault = "does not fit the rest of the configuration: \(error.list[0])"
            }
        }
        let complaint = "the accepted patches can't be used: \(layers.patchFile) \(fault)"
        if let bytes = try? BoundedFile.read(layers.lastGoodFile, maximumBytes: Self.patchesMaximumBytes),
            bytes != layers.patchBytes, let patches = AcceptedPatches(bytes),
            let resolved = try? finish(
                layers, with: patches, looked: looked,
                warnings: ["\(complaint); the last good ones are in force instead, up to patch \(patches.number)"])
        {
            return resolved
        }
        return try finish(layers, with: none, looked: looked, warnings: ["\(complaint); none of them is in force"])
    }

    /// Lays the accepted patches, the environment and the flags over the files.
    func finish(
        _ layers: FileLayers, with patches: AcceptedPatches, looked: [(path: String, wasRead: Bool)], warnings: [String]
    ) throws(ConfigurationProblems) -> ResolvedLayers {
        var collector = layers.collector
        if patches.number > 0 { collector.add(patches) }
        let ofFiles = collector.settings
        let accountNames = readEnvironment(into: &collector)
        for override in overrides { collector.add(override) }
        let resolved = ResolvedSettings(
            collector.settings, accountNames: accountNames.union(collector.accounts.keys), gatewayNames: collector.gateways,
            tokens: TokenSearch(in: surroundings), files: layers.files, in: surroundings)
        for problem in resolved.problems { collector.report(problem) }
        guard collector.problems.isEmpty else { throw collector.problems }
        return ResolvedLayers(
            configuration: Configuration(resolved, files: looked, warnings: warnings), ofFiles: ofFiles, patches: patches)
    }

    /// Where the ledger is by all layers but the accepted patches, which lie there.
    private func ledgerDirectory(_ layers: FileLayers) -> String? {
        let path = ConfigurationPath(["ledger", "directory"])
        guard let descriptor = KeyTree.root.branch("ledger")?.branch("directory")?.descriptor else { return nil }
        var probe = SettingsCollector(surroundings: surroundings)
        let variable = EnvironmentNames.prefix + "LEDGER_DIRECTORY"
        if let value = surroundings.variables[variable], !value.isEmpty {
            probe.set(path.components, descriptor, to: .text(value), origin: .environment(variable))
        }
        for override in overrides where override.path.hasPrefix("ledger") { probe.add(override) }
        let setting = probe.settings[path] ?? layers.collector.settings[path]
        if case .text(let directory)? = setting?.value { return directory }
        return ResolvedSettings.ledgerDirectory(layers.files.scope, in: surroundings)?.path
    }
}
