/// Reads the configuration: files, then drop-ins in name order, then the accepted patches, the environment, and flags. The later
/// one wins.
public struct ConfigurationLoader: Sendable {
    /// The environment, the user and the working directory.
    public var surroundings: Surroundings
    /// The file that `--config` names; nil looks in the usual place, where it may be absent.
    public var file: String?
    /// Whose configuration; nil decides by the user id.
    public var scope: ConfigurationFiles.Scope?
    /// The values given on the command line.
    public var overrides: [ConfigurationOverride]
    /// Variables that begin with `REVEILLE_` and are no configuration, and so must not be refused as unknown.
    public var otherVariables: Set<String>

    /// Makes a loader; nothing is read yet.
    public init(
        surroundings: Surroundings, file: String? = nil, scope: ConfigurationFiles.Scope? = nil,
        overrides: [ConfigurationOverride] = [], otherVariables: Set<String> = []
    ) {
        self.surroundings = surroundings
        self.file = file
        self.scope = scope
        self.overrides = overrides
        self.otherVariables = otherVariables
    }

    /// Reads everything.
    ///
    /// - Returns: the configuration. No token has been read: ``DiscordToken/load(for:in:)`` does that.
    /// - Throws: ``ConfigurationProblems`` with everything that is wrong, in all layers, at once.
    public func load() throws(ConfigurationProblems) -> Configuration {
        try resolve(readFiles()).configuration
    }

    /// Checks the text of a configuration file alone, without looking at any file or variable.
    ///
    /// - Parameters:
    ///   - bytes: any bytes.
    ///   - name: what messages call the file.
    /// - Returns: what is wrong with it; empty if nothing is.
    public static func check(_ bytes: [UInt8], name: String) -> ConfigurationProblems {
        var collector = SettingsCollector(surroundings: Surroundings(variables: ["HOME": "/"], userID: 1_000))
        collector.add(bytes, file: name)
        return collector.problems
    }

    func dropIns(of files: ConfigurationFiles, problems collector: inout SettingsCollector) -> [String] {
        do {
            return try BoundedFile.names(in: files.dropInDirectory, maximumCount: ConfigurationFiles.dropInMaximumCount)
                .filter { $0.hasSuffix(".json5") }
        } catch {
            collector.report(
                ConfigurationProblem(
                    .fileUnreadable, origin: .file(path: files.dropInDirectory, position: nil),
                    message: "this directory \(error.words)",
                    hint: "let the daemon's user read it, and keep at most \(ConfigurationFiles.dropInMaximumCount) files in it"))
            return []
        }
    }

    func read(_ path: String, mustExist: Bool, into layers: inout FileLayers) {
        let origin = ConfigurationOrigin.file(path: path, position: nil)
        do {
            let bytes = try BoundedFile.read(path, maximumBytes: JSON5.textMaximumBytes)
            layers.collector.add(bytes, file: path)
            layers.texts.append((path, bytes))
            return layers.looked.append((path, true))
        } catch BoundedFile.Fault.absent {
            if mustExist {
                layers.collector.report(
                    ConfigurationProblem(
                        .fileMissing, origin: origin, message: "there is no such file", hint: "create it, or correct the path"))
            }
        } catch BoundedFile.Fault.tooLarge {
            layers.collector.report(
                ConfigurationProblem(
                    .tooLarge, origin: origin, message: "is over \(JSON5.textMaximumBytes) bytes long and is not read",
                    hint: "a configuration is a few lines; check that this is the right file"))
        } catch {
            let words = (error as? BoundedFile.Fault)?.words ?? "can't be read"
            layers.collector.report(
                ConfigurationProblem(
                    .fileUnreadable, origin: origin, message: words,
                    hint: "name a regular file that user \(surroundings.userID) may read"))
        }
        layers.looked.append((path, false))
    }

    /// Takes in the environment.
    ///
    /// - Returns: the accounts that it gives a token to.
    func readEnvironment(into collector: inout SettingsCollector) -> Set<String> {
        var tokenVariables = otherVariables
        for setting in collector.settings.values {
            if case .variableName = setting.descriptor.kind, case .text(let name)? = setting.value { tokenVariables.insert(name) }
        }
        var accounts: Set<String> = []
        // An empty variable counts as one that is not set: service managers and shells can't always unset one.
        let ours = surroundings.variables.filter { name, value in
            name.hasPrefix(EnvironmentNames.prefix) && !name.hasPrefix(EnvironmentNames.testPrefix) && !value.isEmpty
        }
        for (name, value) in ours.sorted(by: { $0.key < $1.key }) where !tokenVariables.contains(name) {
            let origin = ConfigurationOrigin.environment(name)
            switch EnvironmentNames.meaning(of: name, accounts: Array(collector.accounts.keys)) {
            case .setting(let path, let descriptor):
                if path.components.count > 2, path.components[0] == "discord" { accounts.insert(path.components[2]) }
                collector.set(path.components, descriptor, to: .text(value), origin: origin)
            case .token(let account):
                if let fault = DiscordAccount.fault(ofName: account) {
                    collector.report(
                        ConfigurationProblem(
                            .badValue, origin: origin, message: "\(ShownText.quoted(account)) \(fault.message)", hint: fault.hint)
                    )
                } else {
                    accounts.insert(account)
                }
            case .controlToken: break
            case .unknown:
                let nearest = NearestKey.nearest(to: name, among: EnvironmentNames.all)
                collector.report(
                    ConfigurationProblem(
                        .unknownKey, origin: origin, message: "there is no such setting",
                        hint: nearest.map { "did you mean \($0)?" } ?? "unset it; docs/CONFIGURATION.md lists the variables"))
            }
        }
        return accounts
    }
}
