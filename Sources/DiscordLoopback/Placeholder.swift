// DiscordLoopback
