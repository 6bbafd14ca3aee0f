/// Takes in layer after layer of the configuration; later ones win. Collects everything that is wrong on the way.
///
/// Touches no file: what it is given is all that it knows, so that it can be fuzzed.
struct SettingsCollector {
    /// The most accounts, and the most session patterns.
    static let namesMaximumCount = 1_000

    let surroundings: Surroundings
    private(set) var settings: [ConfigurationPath: ConfigurationSetting] = [:]
    /// The accounts that some layer names, with the place that named each first.
    private(set) var accounts: [String: ConfigurationOrigin] = [:]
    /// The gateways that some layer names.
    private(set) var gateways: Set<String> = []
    private(set) var problems = ConfigurationProblems()
    private var patterns: Set<String> = []

    init(surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    mutating func report(_ problem: @autoclosure () -> ConfigurationProblem) {
        problems.append(problem())
    }

    private static let syntaxHint =
        "look there and just before it for a bracket, comma, quote or colon; https://json5.org has the rules"

    /// Takes in a file.
    mutating func add(_ bytes: [UInt8], file: String) {
        let document: JSON5Document
        do {
            document = try JSON5.parse(bytes)
        } catch {
            // A file of nothing but comments is how most configurations begin.
            if error.code == .empty { return }
            let code: ConfigurationProblem.Code =
                error.code == .notUTF8 ? .notUTF8 : error.code == .tooLarge ? .tooLarge : .notJSON5
            let origin = ConfigurationOrigin.file(path: file, position: error.position)
            report(ConfigurationProblem(code, origin: origin, message: error.message, hint: error.hint ?? Self.syntaxHint))
            return
        }
        for duplicate in document.duplicates {
            let origin = ConfigurationOrigin.file(path: file, position: duplicate.position)
            report(ConfigurationProblem(.duplicateKey, origin: origin, message: duplicate.message, hint: duplicate.hint))
        }
        guard case .object(let members) = document.root.value else {
            let origin = ConfigurationOrigin.file(path: file, position: document.root.position)
            let found = document.root.value.kindInWords
            report(
                ConfigurationProblem(
                    .badValue, origin: origin, message: "a configuration is an object, and this is \(found)",
                    hint: "put { … } around the keys"))
            return
        }
        walk(members, along: .root, path: [], of: .file(file))
    }

    /// Takes in the accepted patches: as a file, but null takes away what the files say.
    mutating func add(_ patches: AcceptedPatches) {
        guard case .object(let members) = patches.patch.json5 else {
            return report(
                ConfigurationProblem(.badValue, origin: .acceptedPatch(patches.number), message: "a patch must be an object"))
        }
        walk(members, along: .root, path: [], of: .patches(patches))
    }

    /// What is being walked along, and how it names its places.
    private enum Source {
        case file(String)
        case patches(AcceptedPatches)

        func origin(_ position: SourcePosition, _ path: [String]) -> ConfigurationOrigin {
            switch self {
            case .file(let file): .file(path: file, position: position)
            case .patches(let patches): patches.origin(of: path)
            }
        }
    }

    private mutating func walk(_ members: [JSON5Member], along tree: KeyTree, path: [String], of source: Source) {
        for member in members {
            let inner = path + [member.key]
            let origin = source.origin(member.keyPosition, inner)
            guard let branch = enter(member.key, of: tree, path: inner, origin: origin, value: member.node.value) else {
                continue
            }
            let valueOrigin = source.origin(member.node.position, inner)
            if case .patches = source, let refusal = AcceptedPatches.refusal(of: inner, isRemoval: member.node.value.isNull) {
                report(ConfigurationProblem(.badValue, origin: origin, path: "\(ConfigurationPath(inner))", message: refusal))
            } else if case .patches = source, member.node.value.isNull {
                remove(inner)
            } else if let descriptor = branch.descriptor {
                set(inner, descriptor, to: .node(member.node.value), origin: valueOrigin)
            } else if case .object(let members) = member.node.value {
                walk(members, along: branch, path: inner, of: source)
            } else {
                let example = branch.names.first.map { "\(ConfigurationPath.shown(member.key)): { \($0): … }" } ?? "{ … }"
                report(
                    ConfigurationProblem(
                        .badValue, origin: valueOrigin, path: "\(ConfigurationPath(inner))",
                        message: "must be an object, and this is \(member.node.value.kindInWords)", hint: "write \(example)"))
            }
        }
    }

    /// Forgets what is set at a path and below it.
    private mutating func remove(_ path: [String]) {
        settings = settings.filter { !$0.key.components.starts(with: path) }
        let ofAccounts = ["discord", "accounts"]
        if ofAccounts.starts(with: path) { accounts = [:] }
        if path.count == 3, path.starts(with: ofAccounts) { accounts[path[2]] = nil }
        if path == ["gateways"] { gateways = [] }
        if path.count == 2, path[0] == "gateways" { gateways.remove(path[1]) }
    }

    /// Takes in one value given by its path as text.
    mutating func add(_ override: ConfigurationOverride) {
        let origin = ConfigurationOrigin.flag(override.flag)
        guard let path = ConfigurationPath(parsing: override.path) else {
            report(
                ConfigurationProblem(
                    .unknownKey, origin: origin, message: "\(ShownText.quoted(override.path)) is no path of a key",
                    hint: "write keys with points between them, such as log.level"))
            return
        }
        var tree = KeyTree.root
        for depth in path.components.indices {
            let inner = Array(path.components[...depth])
            let value = JSON5Value.string(override.value)
            guard let branch = enter(path.components[depth], of: tree, path: inner, origin: origin, value: value) else { return }
            if let descriptor = branch.descriptor, depth == path.components.count - 1 {
                return set(path.components, descriptor, to: .text(override.value), origin: origin)
            }
            tree = branch
        }
        let names = tree.names.map { "\(path).\($0)" }.joined(separator: ", ")
        report(
            ConfigurationProblem(
                .unknownKey, origin: origin, path: "\(path)", message: "is not a key that has a value",
                hint: names.isEmpty ? nil : "its keys are \(names)"))
    }

    /// Takes in a value whose key is known to exist.
    mutating func set(_ path: [String], _ descriptor: KeyDescriptor, to raw: RawValue, origin: ConfigurationOrigin) {
        let key = ConfigurationPath(path)
        do {
            let value = try located(try descriptor.kind.read(adapted(raw, to: descriptor, origin: origin)))
            var text = value.text
            if descriptor.hidesValues, case .texts(let variables) = value {
                text = variables.map(HiddenValues.masked).joined(separator: ", ")
            }
            // A duration is shown as it was written: 60s stays 60s.
            if case .duration = descriptor.kind, case .text(let written) = raw { text = written }
            if case .duration = descriptor.kind, case .node(.string(let written)) = raw { text = written }
            settings[key] = ConfigurationSetting(path: key, text: text, origin: origin, descriptor: descriptor, value: value)
        } catch {
            let code: ConfigurationProblem.Code = descriptor.isSecret ? .tokenMisplaced : .badValue
            let isControl = path.first == "control"
            // A control token has no form of its own: where one may have been put by mistake, nothing is shown.
            let mayBeToken = descriptor.hidesValues || (isControl && path.last?.hasPrefix("token") == true)
            let shown = mayBeToken ? "what is given" : raw.shown
            let message = descriptor.isSecret ? "a token \(error.message)" : "\(shown) \(error.message)"
            let hint = descriptor.isSecret && isControl ? ControlToken.whereItGoes : error.hint
            report(ConfigurationProblem(code, origin: origin, path: "\(key)", message: message, hint: hint))
        }
    }

    /// The branch of `key`, or nil with a problem reported. The value is looked at only to tell a misplaced token.
    private mutating func enter(
        _ key: String, of tree: KeyTree, path: [String], origin: ConfigurationOrigin, value: JSON5Value
    ) -> KeyTree? {
        guard let branch = tree.branch(key) else {
            report(UnknownKey(path: path, siblings: tree.names, value: value).problem(origin: origin))
            return nil
        }
        if let fault = tree.fault(ofName: key) {
            report(
                ConfigurationProblem(
                    .badValue, origin: origin, path: "\(ConfigurationPath(path))",
                    message: "\(ShownText.quoted(key)) \(fault.message)",
                    hint: fault.hint))
            return nil
        }
        if tree.label == KeyTable.nameLabel, accounts[key] == nil { accounts[key] = origin }
        if tree.label == KeyTable.gatewayLabel { gateways.insert(key) }
        if tree.label == KeyTable.patternLabel { patterns.insert(key) }
        if max(accounts.count, gateways.count) > Self.namesMaximumCount || patterns.count > Self.namesMaximumCount {
            report(
                ConfigurationProblem(
                    .tooLarge, origin: origin, path: "\(ConfigurationPath(path))",
                    message: "one name too many: at most \(Self.namesMaximumCount)"))
            return nil
        }
        return branch
    }

    /// A path in a flag counts from the working directory, as people expect of a command line.
    private func adapted(_ raw: RawValue, to descriptor: KeyDescriptor, origin: ConfigurationOrigin) -> RawValue {
        guard case .path = descriptor.kind, case .flag = origin, case .text(let text) = raw else { return raw }
        guard !text.isEmpty, !text.hasPrefix("/"), !text.hasPrefix("~/") else { return raw }
        return .text(ConfigurationFiles.join(surroundings.workingDirectory, text))
    }

    /// `~/x` becomes a path in the home directory.
    private func located(_ value: ConfigurationValue) throws(ValueFault) -> ConfigurationValue {
        switch value {
        case .text(let text): .text(try located(text))
        case .texts(let texts):
            .texts(try texts.map { text throws(ValueFault) in try located(text) })
        default: value
        }
    }

    private func located(_ text: String) throws(ValueFault) -> String {
        guard text.hasPrefix("~/") else { return text }
        guard let home = surroundings.home else {
            throw ValueFault("begins with ~/, and HOME is not set", hint: "write the whole path")
        }
        return home + text.dropFirst()
    }
}
