"""hikari against the same local Discord: says when READY is handled; stays until it is ended."""

import sys
import time

import hikari

bot = hikari.GatewayBot(
    sys.argv[3], rest_url=sys.argv[1], banner=None, logs=None, suppress_optimization_warning=True,
    intents=hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES)


@bot.listen(hikari.ShardReadyEvent)
async def ready(event: hikari.ShardReadyEvent) -> None:
    print("ready", time.monotonic_ns(), flush=True)


bot.run(check_for_updates=False)
