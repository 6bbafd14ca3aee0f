public import DiscordProtocol
package import NIOSSL
import NetSupport
public import WakeCore
public import WakeService

/// What one Discord account needs to know.
public struct DiscordSettings: Sendable {
    /// The base of Discord's REST API.
    public static let discordAPI = "https://discord.com/api/v10"

    /// The channel that this account is. Default `discord:default`.
    public let channel: ChannelName
    /// The bot's token.
    public let token: BotToken
    /// The base of the REST API, without a slash at its end.
    public let apiBase: String
    /// Whom notices may ping. Default nobody.
    public var mentions: AllowedMentions = .nobody
    /// What the gateway connection is told.
    public var gateway: GatewayConfiguration
    /// How long one REST request may take, connecting included. Default 15 s: under the policy's attempt timeout of 20 s.
    public var requestTimeout: Duration = .seconds(15)
    /// How long TLS and the upgrade to a WebSocket may take together. Default 10 s.
    package var upgradeTimeout: Duration = .seconds(10)
    /// Whose certificates are believed. Only this package can set it, for its tests: there is no way around the machine's own trust.
    package var trustRoots = NIOSSLTrustRoots.default

    /// Takes an account.
    ///
    /// - Parameters:
    ///   - token: the bot's token.
    ///   - channel: the channel's name.
    ///   - apiBase: `https` to any host, or `http` to this machine; of a loopback base, its own address is the one loopback
    ///     gateway that the token may be sent to.
    ///   - loopbackGateways: further loopback addresses (`host:port`) that it may be sent to.
    /// - Throws: ``WakeService/WakeError`` with `invalid-request` if the token could be read on the way there.
    public init(
        token: BotToken, channel: ChannelName = .discord(), apiBase: String = DiscordSettings.discordAPI,
        loopbackGateways: Set<String> = []
    ) throws(WakeError) {
        self.channel = channel
        self.token = token
        self.apiBase = apiBase.hasSuffix("/") ? String(apiBase.dropLast()) : apiBase
        var trusted = loopbackGateways
        // The rules for plain and secure addresses are those of WebSocket addresses.
        let parsed: WebSocketAddress
        do {
            guard apiBase.hasPrefix("http://") || apiBase.hasPrefix("https://") else {
                throw WebSocketError(.invalidAddress, "not an http address")
            }
            parsed = try WebSocketAddress("ws" + self.apiBase.dropFirst(4))
        } catch {
            throw WakeError(
                .invalidRequest, "the Discord API address \(apiBase) can't be used", cause: "\(error)",
                hint: "use https://, or http:// to an address of this machine such as http://127.0.0.1:8080/api/v10")
        }
        if parsed.isLoopback { trusted.insert("\(parsed.host):\(parsed.port)") }
        gateway = GatewayConfiguration(trustedLoopback: trusted)
    }
}
