"""discord.py against the same local Discord: says when READY is handled; sends at once if asked to; stays until it is ended."""

import asyncio
import sys
import time

import discord
import yarl
from discord.http import Route

REST, GATEWAY, TOKEN, CHANNEL, SENDS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "send"
Route.BASE = REST
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(GATEWAY)


class Client(discord.Client):
    async def on_connect(self) -> None:
        print("ready", time.monotonic_ns(), flush=True)
        if SENDS:
            await self.get_partial_messageable(CHANNEL).send("x" * 200)
            print("sent", flush=True)


asyncio.run(Client(intents=discord.Intents(guilds=True, messages=True)).start(TOKEN))
