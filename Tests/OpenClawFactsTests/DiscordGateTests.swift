import OpenClawFacts
import Testing
import WakeCore

/// A gate over the Discord part of a configuration.
private func gate(_ discord: String, account: String = "default", version: String = "2026.3.2") -> DiscordGate {
    DiscordGate(
        ConfigFolder.main("{channels: {discord: \(discord)}}").value, account: account, version: GatewayVersion(version))
}

private func place(
    _ channel: String = "20", guild: String = "10", guildName: String? = nil, name: String? = nil, parent: String? = nil,
    parentName: String? = nil
) -> DiscordInbound.Place {
    .init(guild: guild, guildName: guildName, channel: channel, channelName: name, parent: parent, parentName: parentName)
}

@Suite("The Discord gate of a gateway: servers and channels")
struct DiscordGatePlaceTests {
    private func drop(_ discord: String, _ at: DiscordInbound.Place = place(), account: String = "default") -> String? {
        gate(discord, account: account).wouldDrop(at).map { "\($0.code) \($0.path)" }
    }

    @Test("an allowlist is the default, and without servers on it nothing gets through")
    func defaults() {
        #expect(gate("{}").groupPolicy == .allowlist && gate("{groupPolicy: 'whatever'}").groupPolicy == .allowlist)
        #expect(drop("{}") == "no-guilds channels.discord.guilds")
        #expect(drop("{guilds: {}}") == "no-guilds channels.discord.guilds")
        #expect(gate("null").wouldDrop(place())?.code == .noGuilds)
    }

    @Test("a policy for all transports counts where Discord has none")
    func shared() {
        let value = ConfigFolder.main("{channels: {defaults: {groupPolicy: 'open'}, discord: {}}}").value
        #expect(DiscordGate(value).groupPolicy == .open && DiscordGate(value).wouldDrop(place()) == nil)
    }

    @Test("disabled drops everything on servers, listed or not")
    func disabled() {
        #expect(drop("{groupPolicy: 'disabled', guilds: {'10': {}}}") == "servers-off channels.discord.groupPolicy")
    }

    @Test("open lets everything in that no list narrows")
    func open() {
        #expect(drop("{groupPolicy: 'open'}") == nil && drop("{groupPolicy: 'open', guilds: {}}") == nil)
        #expect(drop("{groupPolicy: 'open', guilds: {'11': {}}}") == "guild-not-listed channels.discord.guilds")
        #expect(
            drop("{groupPolicy: 'open', guilds: {'10': {channels: {'21': {}}}}}")
                == "channel-not-listed channels.discord.guilds.10.channels")
    }

    @Test("a server is found by its id, else by its name, else by the entry for all")
    func guilds() {
        #expect(drop("{guilds: {'10': {}}}") == nil)
        #expect(drop("{guilds: {'11': {}}}") == "guild-not-listed channels.discord.guilds")
        #expect(drop("{guilds: {'friends-of-claw': {}}}", place(guildName: "Friends of Claw!")) == nil)
        #expect(drop("{guilds: {'friends-of-claw': {}}}") == "guild-not-listed channels.discord.guilds")
        #expect(drop("{guilds: {'*': {}}}") == nil)
        let both = "{guilds: {'10': {channels: {'21': {}}}, 'claw': {}}}"
        #expect(drop(both, place(guildName: "Claw")) == "channel-not-listed channels.discord.guilds.10.channels")
    }

    @Test("a server that lists no channels lets all of them in, an empty list too")
    func noChannels() {
        #expect(drop("{guilds: {'10': {users: ['1']}}}") == nil)
        #expect(drop("{guilds: {'10': {channels: {}}}}") == nil)
    }

    @Test("one listed channel silences all others, and a star lets them in")
    func oneChannel() {
        let one = "{guilds: {'10': {channels: {'20': {}}}}}"
        #expect(drop(one) == nil)
        #expect(drop(one, place("21")) == "channel-not-listed channels.discord.guilds.10.channels")
        #expect(gate(one).wouldDrop(place("21"))?.fix.contains("\"21\": {}") == true)
        #expect(drop("{guilds: {'10': {channels: {'20': {}, '*': {}}}}}", place("21")) == nil)
    }

    @Test("a channel can be listed by its name")
    func channelNames() {
        let named = "{guilds: {'10': {channels: {'build-log': {}}}}}"
        #expect(drop(named, place(name: "Build log")) == nil)
        #expect(drop(named) != nil)
    }

    @Test("an entry that is switched off drops, in the old word too")
    func off() {
        #expect(
            drop("{guilds: {'10': {channels: {'20': {enabled: false}}}}}")
                == "channel-off channels.discord.guilds.10.channels.20.enabled")
        #expect(
            drop("{guilds: {'10': {channels: {'20': {allow: false}}}}}")
                == "channel-off channels.discord.guilds.10.channels.20.allow")
        #expect(
            drop("{guilds: {'10': {channels: {'20': {enabled: true}, '*': {enabled: false}}}}}", place("21"))
                == "channel-off channels.discord.guilds.10.channels.\"*\".enabled")
        #expect(drop("{groupPolicy: 'open', guilds: {'10': {channels: {'20': {enabled: false}}}}}") != nil)
    }

    @Test("a thread without an entry has its channel's; its own name means nothing")
    func threads() {
        let one = "{guilds: {'10': {channels: {'20': {}, 'builds': {}}}}}"
        #expect(drop(one, place("30", parent: "20")) == nil)
        #expect(drop(one, place("30", parent: "22", parentName: "Builds")) == nil)
        #expect(drop(one, place("30", parent: "22")) == "channel-not-listed channels.discord.guilds.10.channels")
        #expect(drop(one, place("30", name: "builds", parent: "22")) != nil)
        #expect(drop("{guilds: {'10': {channels: {'20': {}, '30': {enabled: false}}}}}", place("30", parent: "20")) != nil)
        #expect(gate(one).wouldDrop(place("30", parent: "22"))?.fix.contains("\"22\": {}") == true)
    }

    @Test("an account's own guilds replace those above it, even an empty one")
    func hidden() {
        let trap = "{guilds: {'10': {}}, accounts: {default: {guilds: {}}, ops: {}}}"
        #expect(drop(trap) == "guilds-hidden channels.discord.accounts.default.guilds")
        #expect(gate(trap).hidesGuilds && !gate(trap, account: "ops").hidesGuilds)
        #expect(drop(trap, account: "ops") == nil)
        #expect(drop(trap, place(guild: "11")) == "no-guilds channels.discord.accounts.default.guilds")
        let other = "{guilds: {'10': {}}, accounts: {default: {guilds: {'11': {}}}}}"
        #expect(drop(other) == "guilds-hidden channels.discord.accounts.default.guilds")
        #expect(drop(other, place(guild: "11")) == nil)
        #expect(drop("{guilds: {'10': {}}, accounts: {default: {guilds: null}}}") == nil)
    }

    @Test("an account inherits what it does not set, and overrides what it does")
    func accounts() {
        let text = "{groupPolicy: 'disabled', accounts: {ops: {groupPolicy: 'open'}, Mixed: {groupPolicy: 'open'}, quiet: {}}}"
        #expect(gate(text, account: "ops").groupPolicy == .open)
        #expect(gate(text, account: "mixed").groupPolicy == .open)
        #expect(gate(text, account: "quiet").groupPolicy == .disabled)
        #expect(gate(text, account: "none").groupPolicy == .disabled)
    }

    @Test("an account that is off, or Discord as a whole, drops everything")
    func enabled() {
        #expect(drop("{enabled: false, groupPolicy: 'open'}") == "account-off channels.discord.enabled")
        #expect(
            drop("{groupPolicy: 'open', accounts: {default: {enabled: false}}}")
                == "account-off channels.discord.accounts.default.enabled")
        #expect(
            gate("{enabled: false, dmPolicy: 'open', allowFrom: ['*']}").admits(.init(directFrom: "1")).drop?.code == .accountOff)
    }

    @Test("the one version that denied servers without channels is judged as it is")
    func fault() {
        let bare = "{guilds: {'10': {}}}"
        #expect(gate(bare, version: "2026.4.27").wouldDrop(place())?.code == .gatewayFault)
        #expect(gate(bare, version: "2026.4.28").wouldDrop(place()) == nil)
        #expect(gate("{guilds: {'10': {channels: {'*': {}}}}}", version: "2026.4.27").wouldDrop(place()) == nil)
        #expect(gate(bare, version: "dev").wouldDrop(place()) == nil)
    }
}

@Suite("The Discord gate of a gateway: authors and mentions")
struct DiscordGateAuthorTests {
    private func drop(
        _ guild: String, author: String = "1", roles: [String] = [], mentioned: Bool = true, at: DiscordInbound.Place = place()
    ) -> String? {
        let message = DiscordInbound(at: at, author: author, roles: roles, mentionsBot: mentioned)
        return gate("{guilds: {'10': \(guild)}}").admits(message).drop.map { "\($0.code) \($0.path)" }
    }

    @Test("everybody on a listed server is let in unless users or roles are listed")
    func everybody() {
        #expect(drop("{}") == nil)
        #expect(drop("{users: [], roles: []}") == nil)
        #expect(gate("{}").admits(DiscordInbound(at: place(), author: "1")).drop?.code == .noGuilds)
    }

    @Test("a listed user or a listed role is enough")
    func usersOrRoles() {
        #expect(drop("{users: ['1', '2']}") == nil)
        #expect(drop("{users: ['2']}") == "author-not-listed channels.discord.guilds.10.users")
        #expect(drop("{roles: ['7']}", roles: ["6", "7"]) == nil)
        #expect(drop("{roles: ['7']}", roles: ["6"]) == "author-not-listed channels.discord.guilds.10.roles")
        #expect(drop("{users: ['2'], roles: ['7']}", roles: ["7"]) == nil)
        #expect(drop("{users: ['1'], roles: ['7']}") == nil)
        #expect(drop("{users: ['2'], roles: ['7']}") == "author-not-listed channels.discord.guilds.10.users")
    }

    @Test(
        "ids are understood in every form, and names match nobody", arguments: ["1", "<@1>", "<@!1>", "user:1", "discord:1", "*"])
    func forms(entry: String) {
        #expect(drop("{users: ['\(entry)']}") == nil)
        #expect(drop("{users: ['anna']}") != nil)
    }

    @Test("a role is listed by its id, also after its word")
    func roleForms() {
        #expect(drop("{roles: ['role:7']}", roles: ["7"]) == nil)
        #expect(drop("{roles: ['*']}") == nil)
    }

    @Test("a channel's users and roles count before the server's, and a thread has its channel's")
    func narrower() {
        let guild = "{users: ['2'], channels: {'20': {users: ['1']}, '21': {}}}"
        #expect(drop(guild) == nil)
        #expect(drop(guild, author: "2") == "author-not-listed channels.discord.guilds.10.channels.20.users")
        #expect(drop(guild, at: place("21")) == "author-not-listed channels.discord.guilds.10.users")
        #expect(drop(guild, author: "2", at: place("21")) == nil)
        #expect(drop(guild, at: place("30", parent: "20")) == nil)
    }

    @Test("on servers the bot must be mentioned, unless the channel or the server says otherwise")
    func mentions() {
        #expect(drop("{}", mentioned: false) == "not-mentioned channels.discord.guilds.10.requireMention")
        #expect(drop("{requireMention: false}", mentioned: false) == nil)
        let guild = "{requireMention: false, channels: {'20': {requireMention: true}, '21': {}}}"
        #expect(drop(guild, mentioned: false) == "not-mentioned channels.discord.guilds.10.channels.20.requireMention")
        #expect(drop(guild, mentioned: false, at: place("21")) == nil)
        #expect(drop(guild) == nil)
    }

    @Test("who writes, and whether the bot is mentioned, is no finding about the place")
    func placeOnly() { #expect(gate("{guilds: {'10': {users: ['2']}}}").wouldDrop(place()) == nil) }

    @Test("a message without any server listed that open policy lets in still has to mention the bot")
    func openMention() {
        let drop = gate("{groupPolicy: 'open'}").admits(DiscordInbound(at: place(), author: "1")).drop
        #expect(drop?.code == .notMentioned && drop?.path == "channels.discord.guilds")
    }
}

@Suite("The Discord gate of a gateway: direct messages")
struct DiscordGateDirectTests {
    private func drop(_ discord: String, paired: Set<String> = [], account: String = "default") -> String? {
        gate(discord, account: account).admits(DiscordInbound(directFrom: "1"), paired: paired).drop.map {
            "\($0.code) \($0.path)"
        }
    }

    @Test("pairing is the default: the listed and the paired are let in")
    func pairing() {
        #expect(gate("{}").directPolicy == .pairing && gate("{dmPolicy: 'whatever'}").directPolicy == .pairing)
        #expect(drop("{}") == "not-paired channels.discord.allowFrom")
        #expect(drop("{}", paired: ["1"]) == nil)
        #expect(drop("{allowFrom: ['1']}") == nil)
    }

    @Test("an allowlist lets in the listed alone")
    func allowlist() {
        #expect(drop("{dmPolicy: 'allowlist', allowFrom: ['user:1']}") == nil)
        #expect(drop("{dmPolicy: 'allowlist', allowFrom: ['2']}") == "direct-not-listed channels.discord.allowFrom")
        #expect(drop("{dmPolicy: 'allowlist', allowFrom: ['2']}", paired: ["1"]) != nil)
        #expect(drop("{dmPolicy: 'allowlist'}") == "direct-not-listed channels.discord.allowFrom")
        #expect(drop("{dmPolicy: 'allowlist', allowFrom: []}") == "direct-not-listed channels.discord.allowFrom")
    }

    @Test("open takes a star in allowFrom")
    func open() {
        #expect(drop("{dmPolicy: 'open', allowFrom: ['*']}") == nil)
        #expect(drop("{dmPolicy: 'open'}") == "open-without-star channels.discord.allowFrom")
        #expect(drop("{dmPolicy: 'open', allowFrom: ['2']}") == "open-without-star channels.discord.allowFrom")
        #expect(drop("{dmPolicy: 'open', allowFrom: ['1']}") == nil)
    }

    @Test("disabled drops them all")
    func disabled() {
        #expect(drop("{dmPolicy: 'disabled', allowFrom: ['*']}", paired: ["1"]) == "direct-off channels.discord.dmPolicy")
    }

    @Test("the older keys below dm are understood")
    func older() {
        #expect(drop("{dm: {policy: 'allowlist', allowFrom: ['1']}}") == nil)
        #expect(drop("{dm: {policy: 'allowlist', allowFrom: ['2']}}") == "direct-not-listed channels.discord.dm.allowFrom")
        #expect(drop("{dm: {policy: 'disabled'}}") == "direct-off channels.discord.dm.policy")
        #expect(drop("{dm: {enabled: false}, allowFrom: ['1']}") == "direct-off channels.discord.dm.enabled")
    }

    @Test("an account inherits what it does not set")
    func accounts() {
        let text =
            """
            {dmPolicy: 'allowlist', allowFrom: ['1'],
             accounts: {ops: {allowFrom: ['2']}, quiet: {dmPolicy: 'disabled'}, same: {}}}
            """
        #expect(drop(text, account: "ops") == "direct-not-listed channels.discord.accounts.ops.allowFrom")
        #expect(drop(text, account: "quiet") == "direct-off channels.discord.accounts.quiet.dmPolicy")
        #expect(drop(text, account: "same") == nil)
    }

    @Test("the gate of servers does not touch direct messages, nor do mentions")
    func apart() { #expect(drop("{groupPolicy: 'disabled', dmPolicy: 'allowlist', allowFrom: ['1']}") == nil) }
}
