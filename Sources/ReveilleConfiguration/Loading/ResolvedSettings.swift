internal import WakeCore

/// The settings of all layers with the defaults under them, and what they mean together.
struct ResolvedSettings {
    /// Every key with its value and origin, in the order of the table.
    private(set) var settings: [ConfigurationSetting] = []
    private(set) var accounts: [String: DiscordAccount] = [:]
    private(set) var controlTokenLocation: TokenLocation?
    private(set) var sessionRoutes: [(pattern: SessionPattern, route: Route)] = []
    private(set) var problems: [ConfigurationProblem] = []
    private var byPath: [ConfigurationPath: ConfigurationSetting] = [:]

    var values: SettingValues { SettingValues(byPath) }

    /// Lays the defaults under what the layers set, and checks what no single value can show.
    init(
        _ given: [ConfigurationPath: ConfigurationSetting], accountNames: Set<String>, gatewayNames: Set<String> = [],
        tokens: TokenSearch, files: ConfigurationFiles, in surroundings: Surroundings
    ) {
        // Where nobody names an account, `default` is meant, so that its missing token is told instead of nothing at all.
        let isDefaultMeant = (accountNames.isEmpty && gatewayNames.isEmpty) || tokens.hasDefaultToken
        let names = accountNames.union(isDefaultMeant ? [DiscordAccount.defaultName] : []).sorted()
        for descriptor in KeyTable.keys {
            for path in Self.paths(of: descriptor, given: given, accounts: names, gateways: gatewayNames.sorted()) {
                let setting = given[path] ?? standard(descriptor, at: path, scope: files.scope, in: surroundings)
                byPath[path] = setting
                settings.append(setting)
            }
        }
        checkRoutes(accounts: names, gateways: gatewayNames)
        checkBackoff()
        checkWatches(gateways: gatewayNames)
        for name in names { checkTokens(under: ["discord", "accounts", name]) }
        checkTokens(under: ["control"])
        for name in gatewayNames.sorted() { checkTokens(under: ["gateways", name]) }
        guard problems.isEmpty else { return }
        for name in names { accounts[name] = account(name, tokens: tokens) }
        controlTokenLocation = tokens.controlLocation(
            variable: values.optionalText("control.tokenEnvironment"), file: values.optionalText("control.tokenFile"))
        settings = settings.map { tokens.describe($0, accounts: accounts, control: controlTokenLocation) }
        sessionRoutes = routesBySession()
    }

    private static func paths(
        of descriptor: KeyDescriptor, given: [ConfigurationPath: ConfigurationSetting], accounts: [String], gateways: [String]
    ) -> [ConfigurationPath] {
        let components = descriptor.path.components
        for (label, names) in [(KeyTable.nameLabel, accounts), (KeyTable.gatewayLabel, gateways)] where components.contains(label)
        {
            return names.map { name in ConfigurationPath(components.map { $0 == label ? name : $0 }) }
        }
        if components.contains(KeyTable.agentLabel) {
            let ids = Set(given.keys.filter { $0.components.first == "agents" }.map { $0.components[1] })
            return ids.sorted().map { id in ConfigurationPath(components.map { $0 == KeyTable.agentLabel ? id : $0 }) }
        }
        if components.contains(where: { $0.hasPrefix("<") }) {
            return given.values.filter { $0.descriptor.path == descriptor.path }.map(\.path).sorted()
        }
        return [descriptor.path]
    }

    private mutating func standard(
        _ descriptor: KeyDescriptor, at path: ConfigurationPath, scope: ConfigurationFiles.Scope, in surroundings: Surroundings
    ) -> ConfigurationSetting {
        var value: ConfigurationValue?
        var text = ConfigurationSetting.notSet
        var origin = ConfigurationOrigin.standard
        if case .text(let written) = descriptor.fallback {
            value = try? descriptor.kind.read(.text(written))
            text = written
        } else if "\(path)" == "ledger.directory" {
            if let directory = Self.ledgerDirectory(scope, in: surroundings) {
                value = .text(directory.path)
                (text, origin) = directory
            } else {
                problems.append(
                    ConfigurationProblem(
                        .badValue, path: "\(path)", message: "there is no default, as HOME is not set",
                        hint: "set HOME, or set ledger.directory"))
            }
        } else if path.components.first == "gateways", case .found = descriptor.fallback,
            let found = gatewayStandard(path, in: surroundings)
        {
            value = .text(found.path)
            (text, origin) = found
        } else if "\(path)" == "runStates.files", let home = surroundings.home {
            value = .texts([home + "/.openclaw/workspace/infra/runstate.json"])
            text = home + "/.openclaw/workspace/infra/runstate.json"
        } else if "\(path)" == "hooks.directory", let directory = Self.hookDirectory(scope, in: surroundings) {
            value = .text(directory.path)
            (text, origin) = directory
        } else if "\(path)" == "control.socket", let socket = Self.controlSocket(in: surroundings) {
            value = .text(socket.path)
            (text, origin) = socket
        }
        return ConfigurationSetting(path: path, text: text, origin: origin, descriptor: descriptor, value: value)
    }

    /// Where an OpenClaw gateway keeps its things.
    private func gatewayStandard(
        _ path: ConfigurationPath, in surroundings: Surroundings
    ) -> (path: String, origin: ConfigurationOrigin)? {
        switch path.components.last {
        case "stateDirectory":
            if let directory = surroundings.absolute("OPENCLAW_STATE_DIR") {
                return (directory, .environment("OPENCLAW_STATE_DIR"))
            }
            return surroundings.home.map { ($0 + "/.openclaw", .standard) }
        case "configFile":
            let directory = byPath[ConfigurationPath(Array(path.components.dropLast()) + ["stateDirectory"])]
            guard case .text(let folder)? = directory?.value else { return nil }
            return (folder + "/openclaw.json", .standard)
        default: return nil
        }
    }

    private static func controlSocket(in surroundings: Surroundings) -> (path: String, origin: ConfigurationOrigin)? {
        if let directory = surroundings.firstPath("RUNTIME_DIRECTORY") {
            return (directory + "/control.sock", .environment("RUNTIME_DIRECTORY"))
        }
        return surroundings.absolute("XDG_RUNTIME_DIR").map { ($0 + "/reveille/control.sock", .environment("XDG_RUNTIME_DIR")) }
    }

    static func ledgerDirectory(
        _ scope: ConfigurationFiles.Scope, in surroundings: Surroundings
    ) -> (path: String, origin: ConfigurationOrigin)? {
        if let directory = surroundings.firstPath("STATE_DIRECTORY") { return (directory, .environment("STATE_DIRECTORY")) }
        if scope == .system { return ("/var/lib/reveille", .standard) }
        if let base = surroundings.absolute("XDG_STATE_HOME") { return (base + "/reveille", .environment("XDG_STATE_HOME")) }
        return surroundings.home.map { ($0 + "/.local/state/reveille", .standard) }
    }

    /// Beside the configuration file of the same scope.
    private static func hookDirectory(
        _ scope: ConfigurationFiles.Scope, in surroundings: Surroundings
    ) -> (path: String, origin: ConfigurationOrigin)? {
        if scope == .system { return ("/etc/reveille", .standard) }
        if let base = surroundings.absolute("XDG_CONFIG_HOME") { return (base + "/reveille", .environment("XDG_CONFIG_HOME")) }
        return surroundings.home.map { ($0 + "/.config/reveille", .standard) }
    }

    /// A route must lead through an account that there is. `default` always may be named: it needs no more than a token.
    private mutating func checkRoutes(accounts: [String], gateways: Set<String>) {
        for setting in settings {
            guard case .route = setting.descriptor.kind, case .text(let text)? = setting.value, let route = Route(text) else {
                continue
            }
            let known = Set(accounts + [DiscordAccount.defaultName]).sorted()
            guard !known.contains(where: { ChannelName.discord($0) == route.channel }) else { continue }
            if let gateway = route.channel.gateway, gateways.contains(gateway) { continue }
            let channels = known.map { "discord:\($0)" } + gateways.sorted().map { "gateway:\($0)/discord:default" }
            let nearest = NearestKey.nearest(to: "\(route.channel)", among: channels).map { "did you mean \($0)?" }
            problems.append(
                ConfigurationProblem(
                    .badValue, origin: setting.origin, path: "\(setting.path)",
                    message: "there is no channel \(ShownText.quoted("\(route.channel)"))",
                    hint: nearest
                        ?? "the channels are \(channels.joined(separator: ", ")); they are set in discord.accounts and gateways")
            )
        }
    }

    /// A watch that wakes somebody nowhere is a mistake, and so is one on a gateway that is not there.
    private mutating func checkWatches(gateways: Set<String>) {
        for setting in settings where setting.path.components.first == "watch" {
            guard let gateway = RestartTarget(setting.path.components[1])?.gateway, !gateways.contains(gateway) else { continue }
            problems.append(
                ConfigurationProblem(
                    .badValue, origin: setting.origin, path: "\(setting.path)",
                    message: "there is no gateway \(ShownText.quoted(gateway))", hint: "set it under gateways.\(gateway)"))
        }
        let fallback = values.optionalText("routes.fallback")
        let patterns = routesBySession().map(\.pattern)
        for setting in settings {
            guard case .list(.sessions) = setting.descriptor.kind, case .texts(let keys)? = setting.value else { continue }
            for key in keys where fallback == nil && !patterns.contains(where: { $0.matches(key) }) {
                guard (try? SessionKey(key))?.route == nil else { continue }
                problems.append(
                    ConfigurationProblem(
                        .badValue, origin: setting.origin, path: "\(setting.path)",
                        message: "\(ShownText.quoted(key)) names no place, so nobody could be woken",
                        hint: "set sessions.\"\(key)\".route, or routes.fallback"))
            }
        }
    }

    private mutating func checkBackoff() {
        let values = values
        guard values.duration("delivery.backoffBase") > values.duration("delivery.backoffCap") else { return }
        let path = ConfigurationPath(["delivery", "backoffBase"])
        problems.append(
            ConfigurationProblem(
                .contradiction, origin: byPath[path]?.origin, path: "\(path)", message: "is longer than delivery.backoffCap",
                hint: "make backoffCap the longer one"))
    }

    private mutating func checkTokens(under keys: [String]) {
        let file = byPath[ConfigurationPath(keys + ["tokenFile"])]
        let variable = byPath[ConfigurationPath(keys + ["tokenEnvironment"])]
        guard file?.value != nil, let variable, variable.value != nil else { return }
        problems.append(
            ConfigurationProblem(
                .contradiction, origin: variable.origin, path: "\(variable.path)", message: "is set, and so is tokenFile",
                hint: "keep one of the two"))
    }

    private func account(_ name: String, tokens: TokenSearch) -> DiscordAccount? {
        let prefix = "discord.accounts.\(name)."
        guard let base = try? ServiceAddress(parsing: values.text(prefix + "apiBase"), schemes: ["https", "http"]) else {
            return nil
        }
        return DiscordAccount(
            name: name, apiBase: base,
            allowedMentions: values.texts(prefix + "allowedMentions").compactMap(DiscordAccount.Mention.init),
            tokenLocation: tokens.location(
                for: name, variable: values.optionalText(prefix + "tokenEnvironment"),
                file: values.optionalText(prefix + "tokenFile")))
    }

    /// Who is told of whose restarts.
    var watches: [Configuration.Watch] {
        named("watch").map { name, keys in
            var sessions: [String] = []
            if case .texts(let texts)? = keys["sessions"] { sessions = texts }
            var note: String?
            if case .text(let text)? = keys["note"] { note = text }
            guard let target = RestartTarget(name) else { preconditionFailure("\(name) was taken for a target") }
            return Configuration.Watch(target: target, sessions: sessions.compactMap { try? SessionKey($0) }, note: note)
        }
    }

    /// Who may report on which channel.
    var reportedChannels: [Configuration.ReportedChannel] {
        named("channels").compactMap { name, keys in
            guard let channel = ChannelName(name), case .texts(let reporters)? = keys["reporters"] else { return nil }
            return Configuration.ReportedChannel(
                channel: channel, uids: Set(reporters.filter { $0.hasPrefix("uid:") }.compactMap { UInt32($0.dropFirst(4)) }),
                units: Set(reporters.filter { !$0.hasPrefix("uid:") }))
        }
    }

    /// Who may use the control plane's Unix socket.
    var peers: [UInt32: Configuration.Control.Peer] {
        var found: [UInt32: (scopes: Set<String>, sessions: [String]?)] = [:]
        for setting in settings where setting.path.components.starts(with: ["control", "peers"]) {
            guard let uid = UInt32(setting.path.components[2]), case .texts(let texts)? = setting.value else { continue }
            if setting.path.components[3] == "scopes" {
                found[uid, default: ([], nil)].scopes = Set(texts)
            } else {
                found[uid, default: ([], nil)].sessions = texts
            }
        }
        return found.mapValues { Configuration.Control.Peer(scopes: $0.scopes, sessions: $0.sessions) }
    }

    /// The values under a key whose names the operator chooses, by name and key.
    private func named(_ key: String) -> [(name: String, keys: [String: ConfigurationValue])] {
        var found: [String: [String: ConfigurationValue]] = [:]
        for setting in settings where setting.path.components.first == key && setting.path.components.count == 3 {
            found[setting.path.components[1], default: [:]][setting.path.components[2]] = setting.value
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The most specific pattern first; among equals the alphabet decides, so that the same file always means the same.
    private func routesBySession() -> [(pattern: SessionPattern, route: Route)] {
        settings.compactMap { setting in
            guard setting.path.components.first == "sessions", case .text(let text)? = setting.value, let route = Route(text)
            else {
                return nil
            }
            return (SessionPattern(setting.path.components[1]), route)
        }.sorted { left, right in
            (-left.pattern.literalBytes, left.pattern.description) < (-right.pattern.literalBytes, right.pattern.description)
        }
    }
}
