import ReveilleConfiguration
import Testing
import WakeCore

@Suite("Layers of the configuration")
struct LayersTests {
    @Test("without any file the defaults hold, and they are those of the policy")
    func defaults() throws {
        let scratch = try Scratch()
        let configuration = try ConfigurationLoader(surroundings: scratch.surroundings(), scope: .user).load()
        #expect(configuration.policy == Policy())
        #expect(configuration.ledger.directory == scratch.path + "/.local/state/reveille")
        #expect(configuration.ledger.retention == .seconds(30 * 86_400))
        #expect(configuration.restarts.defaultDelay == .seconds(2))
        #expect(configuration.log.level == "info")
        #expect(configuration.log.format == .auto)
        #expect(configuration.discordAccounts.keys.sorted() == ["default"])
        #expect(configuration.discordAccounts["default"]?.tokenLocation == nil)
        #expect(configuration.discordAccounts["default"]?.apiBase.description == "https://discord.com/api/v10")
        #expect(configuration.fallbackRoute == nil)
        #expect(configuration.settings.allSatisfy { $0.origin == .standard })
        #expect(configuration.files.map(\.wasRead) == [false])
        #expect(configuration.files[0].path == scratch.path + "/.config/reveille/reveille.json5")
    }

    @Test("every default lies in its own range")
    func defaultsAreInRange() throws {
        let scratch = try Scratch()
        let configuration = try scratch.load("{ discord: { accounts: { default: {} } } }")
        for setting in configuration.settings {
            guard case .text(let text) = setting.descriptor.fallback else { continue }
            #expect(setting.text == text)
            #expect(setting.isSet, "\(setting.path) has a default that its own range refuses")
        }
    }

    @Test("files, drop-ins in name order, environment and flags each override what came before")
    func precedence() throws {
        let scratch = try Scratch()
        let main = try scratch.write(
            "reveille.json5",
            """
            {
              log: { level: "trace", format: "json" },
              restart: { defaultDelay: "1s", maxLate: "1min" },
              target: { settle: '1s' },
            }
            """)
        let second = try scratch.write("reveille.d/20-b.json5", "{ restart: { defaultDelay: '3s' },\n target: { settle: '3s' } }")
        try scratch.write("reveille.d/10-a.json5", "{ restart: { defaultDelay: '2s', maxLate: '2min' } }")
        try scratch.write("reveille.d/30-c.json", "{ nothing: 'read' }")
        try scratch.write("reveille.d/.hidden.json5", "{ nothing: 'read' }")
        let loader = ConfigurationLoader(
            surroundings: scratch.surroundings(["REVEILLE_TARGET_SETTLE": "4s", "REVEILLE_LOG_LEVEL": "error"]),
            file: "reveille.json5",
            overrides: [try ConfigurationOverride(parsing: "log.level=debug")])
        let configuration = try loader.load()
        #expect(configuration.log.format == .json)
        #expect(configuration.restarts.maxLate == .seconds(120))
        #expect(configuration.restarts.defaultDelay == .seconds(3))
        #expect(configuration.restarts.settle == .seconds(4))
        #expect(configuration.log.level == "debug")
        #expect(configuration.setting("log.format")?.origin == .file(path: main, position: SourcePosition(line: 2, column: 34)))
        #expect("\(configuration.setting("restart.defaultDelay")?.origin ?? .standard)" == "\(second):1:28")
        #expect(configuration.setting("target.settle")?.origin == .environment("REVEILLE_TARGET_SETTLE"))
        #expect(configuration.setting("log.level")?.origin == .flag("--set"))
        #expect(configuration.setting("wake.holdFor")?.origin == .standard)
        #expect(configuration.files.map { String($0.path.suffix(9)) } == ["lle.json5", "0-a.json5", "0-b.json5"])
    }

    @Test("objects are merged key by key and lists replaced")
    func merging() throws {
        let scratch = try Scratch()
        try scratch.write("reveille.d/a.json5", "{ discord: { accounts: { ops: { allowedMentions: ['roles'] }, web: {} } } }")
        let configuration = try scratch.load(
            "{ discord: { accounts: { ops: { tokenFile: '/t', allowedMentions: ['users', 'everyone'] } } } }")
        #expect(configuration.discordAccounts.keys.sorted() == ["ops", "web"])
        #expect(configuration.discordAccounts["ops"]?.allowedMentions == [.roles])
        #expect(configuration.discordAccounts["ops"]?.tokenLocation == .file("/t"))
        #expect(configuration.discordAccounts["web"]?.tokenLocation == nil)
        #expect(configuration.discordAccounts["web"]?.channel == ChannelName("discord:web"))
    }

    @Test("every key can be set in a file, and all but secrets, in the environment and by a flag")
    func everyKey() throws {
        let values: [String: (text: String, file: String)] = [
            "ledger.directory": ("/x", "'/x'"), "ledger.retention": ("40d", "'40d'"),
            "discord.accounts.<name>.tokenFile": ("/x", "'/x'"), "discord.accounts.<name>.tokenEnvironment": ("X", "'X'"),
            "discord.accounts.<name>.apiBase": ("https://x/y", "'https://x/y'"),
            "discord.accounts.<name>.allowedMentions": ("users, roles", "['users', 'roles']"),
            "sessions.<pattern>.route": ("discord:default/user:1", "'discord:default/user:1'"),
            "routes.fallback": ("discord:default/channel:2", "'discord:default/channel:2'"),
            "restart.defaultDelay": ("0s", "'0s'"),
            "restart.maxLate": ("1h", "'1h'"), "target.settle": ("0.5s", "'0.5s'"), "sentinel.lifetimeOwn": ("20min", "'20min'"),
            "sentinel.lifetimeObserved": ("2d", "'2d'"), "wake.holdFor": ("1d", "'1d'"), "delivery.backoffBase": ("1s", "'1s'"),
            "delivery.backoffFactor": ("1.5", "1.5"), "delivery.backoffCap": ("5min", "'5min'"),
            "delivery.budget": ("1h", "'1h'"),
            "delivery.noticePolicy": ("prefer-once", "'prefer-once'"),
            "delivery.turnPolicy": ("prefer-delivery", "'prefer-delivery'"),
            "delivery.nonceWindow": ("60s", "'60s'"), "gate.escalateAfter": ("1min", "'1min'"),
            "gate.fallback": ("discord:default/channel:3", "'discord:default/channel:3'"), "loopGuard.wakes": ("5", "0x5"),
            "loopGuard.within": ("1h", "'1h'"),
            "watch.<target>.sessions": ("agent:infra:discord:channel:1", "['agent:infra:discord:channel:1']"),
            "watch.<target>.note": ("look", "'look'"),
            "channels.<channel>.reporters": ("bot.service, uid:7", "['bot.service', 'uid:7']"),
            "channels.downGrace": ("5s", "'5s'"), "notify.socket": ("/x", "'/x'"),
            "restart.cooldown": ("1min", "'1min'"), "restart.drain": ("5min", "'5min'"), "restart.loopStarts": ("5", "5"),
            "restart.loopWithin": ("1h", "'1h'"),
            "control.tokenFile": ("/x", "'/x'"), "control.tokenEnvironment": ("X", "'X'"), "control.port": ("0", "0"),
            "control.socket": ("/x", "'/x'"),
            "control.allowedOrigins": ("https://a.b, http://localhost:1", "['https://a.b', 'http://localhost:1']"),
            "control.peers.<uid>.scopes": ("read, admin", "['read', 'admin']"),
            "control.peers.<uid>.sessions": ("agent:*", "['agent:*']"),
            "gateways.<gateway>.address": ("wss://gate.example:1", "'wss://gate.example:1'"),
            "gateways.<gateway>.stateDirectory": ("/x", "'/x'"), "gateways.<gateway>.configFile": ("/x", "'/x'"),
            "gateways.<gateway>.tokenFrom": ("gateway", "'gateway'"), "gateways.<gateway>.tokenFile": ("/x", "'/x'"),
            "gateways.<gateway>.tokenEnvironment": ("X", "'X'"), "gateways.<gateway>.identity": ("device", "'device'"),
            "gateways.<gateway>.certificateFile": ("/x", "'/x'"), "gateways.<gateway>.discordTokenFrom": ("gateway", "'gateway'"),
            "gateways.<gateway>.discordTokenFile": ("/x", "'/x'"),
            "gateways.<gateway>.discordApiBase": ("https://x/y", "'https://x/y'"),
            "gateways.<gateway>.unit": ("system/g.service", "'system/g.service'"), "gateways.<gateway>.adopt": ("own", "'own'"),
            "gateways.<gateway>.resume": ("off", "'off'"), "gateways.<gateway>.resumeSessions": ("agent:*", "['agent:*']"),
            "gateways.<gateway>.resumeWithin": ("1h", "'1h'"), "gateways.<gateway>.resumeLimit": ("1", "1"),
            "gateways.<gateway>.missedMessages": ("5", "5"), "gateways.<gateway>.missedWithin": ("1h", "'1h'"),
            "agents.<agent>.run": ("claude, -p, -p", "['claude', '-p', '-p']"), "agents.<agent>.input": ("file", "'file'"),
            "agents.<agent>.directory": ("/x", "'/x'"), "agents.<agent>.environment": ("A=b, C=", "['A=b', 'C=']"),
            "agents.<agent>.timeLimit": ("2h", "'2h'"), "agents.<agent>.outputKiB": ("64", "64"),
            "agents.<agent>.concurrency": ("3", "3"), "agents.<agent>.heartbeat.every": ("30min", "'30min'"),
            "agents.<agent>.heartbeat.prompt": ("look", "'look'"),
            "agents.<agent>.heartbeat.session": ("agent:x:main", "'agent:x:main'"),
            "agents.<agent>.heartbeat.target": ("discord:default/channel:1", "'discord:default/channel:1'"),
            "agents.<agent>.heartbeat.lightContext": ("true", "true"),
            "agents.<agent>.heartbeat.when": ("always", "'always'"),
            "runStates.files": ("/x, /y/*.json", "['/x', '/y/*.json']"), "lease.length": ("20min", "'20min'"),
            "lease.wakes": ("3", "3"), "lease.longest": ("1h", "'1h'"), "lease.stale": ("1d", "'1d'"),
            "lease.quietHours": ("22:00-07:00", "'22:00-07:00'"), "texts.notice": ("{notes}", "'{notes}'"),
            "hooks.directory": ("/x", "'/x'"), "hooks.preRestartLimit": ("10s", "'10s'"),
            "hooks.onFailure": ("refuse", "'refuse'"), "hooks.postWakeLimit": ("10s", "'10s'"),
            "texts.turn": ("{why} {notes}", "'{why} {notes}'"),
            "daemon.readyWhen": ("discord:default", "['discord:default']"), "log.level": ("debug", "'debug'"),
            "log.format": ("text", "'text'"),
        ]
        let scratch = try Scratch()
        for key in KeyTable.keys where !key.isSecret {
            let value = try #require(values["\(key.path)"], "the test lacks \(key.path)")
            let names = [
                "<name>": "default", "<pattern>": "agent:*", "<target>": "unit:web.service",
                "<channel>": "gateway:main/discord:x", "<uid>": "1000",
                "<gateway>": "main", "<agent>": "infra",
            ]
            let components = key.path.components.map { names[$0] ?? $0 }
            let path = "\(ConfigurationPath(components))"
            let nested = components.reversed().reduce(value.file) { "{ '\($1)': \($0) }" }
            let shown = key.path.components.last == "environment" ? "A=(set), C=(set)" : value.text
            #expect(try scratch.load(nested).setting(path)?.text == shown)
            #expect(try scratch.load("{}", set: ["\(path)=\(value.text)"]).setting(path)?.text == shown)
            if let variable = key.environmentName?.split(separator: "<NAME>").joined(separator: "DEFAULT") {
                #expect(try scratch.load("{}", [variable: value.text]).setting(path)?.text == value.text, "\(variable)")
            } else {
                #expect(key.path.components.contains { $0.hasPrefix("<") && $0 != "<name>" })
            }
        }
    }

    @Test("the policy follows the settings")
    func policy() throws {
        let policy = try Scratch().load(
            """
            { restart: { maxLate: '1min' }, target: { settle: '1s' }, sentinel: { lifetimeOwn: '2min', lifetimeObserved: '3h' },
              wake: { holdFor: '1d' }, gate: { escalateAfter: '5min', fallback: 'discord:default/channel:5' },
              delivery: { backoffBase: '1s', backoffFactor: 3, backoffCap: '30s', budget: '1h', noticePolicy: 'prefer-once',
                turnPolicy: 'prefer-delivery', nonceWindow: '90s' }, loopGuard: { wakes: 7, within: '1h' } }
            """
        ).policy
        var wanted = Policy()
        wanted.restartMaxLate = .seconds(60)
        wanted.targetSettle = .seconds(1)
        wanted.sentinelLifetimeOwn = .seconds(120)
        wanted.sentinelLifetimeObserved = .seconds(3 * 3_600)
        wanted.wakeHold = .seconds(86_400)
        wanted.escalateAfter = .seconds(300)
        wanted.fallbackRoute = Route("discord:default/channel:5")
        wanted.backoff.base = .seconds(1)
        wanted.backoff.factor = 3
        wanted.backoff.cap = .seconds(30)
        wanted.deliveryBudget = .seconds(3_600)
        wanted.unclearNotice = .preferOnce
        wanted.unclearTurn = .preferDelivery
        wanted.nonceWindow = .seconds(90)
        wanted.loopWakes = 7
        wanted.loopWindow = .seconds(3_600)
        #expect(policy == wanted)
    }

    @Test("the most specific pattern decides the route of a session")
    func sessionRoutes() throws {
        let configuration = try Scratch().load(
            """
            { sessions: { '*': { route: 'discord:default/channel:1' }, 'agent:infra:*': { route: 'discord:default/channel:2' },
                          'agent:infra:main': { route: 'discord:default/channel:3' } } }
            """)
        #expect(configuration.route(forSession: "agent:infra:main") == Route("discord:default/channel:3"))
        #expect(configuration.route(forSession: "agent:infra:x") == Route("discord:default/channel:2"))
        #expect(configuration.route(forSession: "agent:web:x") == Route("discord:default/channel:1"))
        #expect(try Scratch().load("{}").route(forSession: "agent:web:x") == nil)
    }

    @Test("accounts are named in the environment in upper case, with _ for -")
    func accountsInTheEnvironment() throws {
        let variable = "REVEILLE_DISCORD_ACCOUNTS_MY_BOT_API_BASE"
        let scratch = try Scratch()
        #expect(try scratch.load("{}", [variable: "https://x"]).discordAccounts["my-bot"]?.apiBase.host == "x")
        let known = try scratch.load("{ discord: { accounts: { my_bot: {} } } }", [variable: "https://x"])
        #expect(known.discordAccounts["my_bot"]?.apiBase.host == "x")
        #expect(known.discordAccounts.count == 1)
    }

    @Test("a file of comments alone, an empty one and an empty variable change nothing", arguments: ["", "// later\n", "{}"])
    func nothing(text: String) throws {
        #expect(try Scratch().load(text, ["REVEILLE_LOG_LEVEL": "", "REVEILLE_TEST_X": "1"]).log.level == "info")
    }

    @Test("~/ is the home directory, and a path in a flag counts from the working directory")
    func paths() throws {
        let scratch = try Scratch()
        #expect(try scratch.load("{ ledger: { directory: '~/x' } }").ledger.directory == scratch.path + "/x")
        #expect(try scratch.load("{}", set: ["ledger.directory=x/y"]).ledger.directory == scratch.path + "/x/y")
        #expect(try scratch.problems("{ ledger: { directory: 'x' } }").map(\.code) == [.badValue])
    }
}
