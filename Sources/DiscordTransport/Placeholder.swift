// DiscordTransport
