// DiscordProtocol
