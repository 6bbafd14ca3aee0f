"""An unmodified discord.py against the loopback: only its two base addresses are pointed elsewhere."""

import asyncio

import discord
import yarl
from common import arguments, mode, say
from discord.http import Route

REST, GATEWAY, TOKEN, CHANNEL = arguments()
Route.BASE = REST + "/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(GATEWAY)

SECOND_LIFE = "second life"


class Client(discord.Client):
    lives = 0

    async def on_ready(self) -> None:
        say("ready", user=str(self.user.id), session=self.ws.session_id)
        await self.live()

    async def on_resumed(self) -> None:
        say("resumed", session=self.ws.session_id)
        await self.live()

    async def on_message(self, message: discord.Message) -> None:
        say("message", id=str(message.id), content=message.content, nonce=message.nonce, mine=message.author == self.user)
        if message.content == SECOND_LIFE:
            await self.close()

    async def live(self) -> None:
        self.lives += 1
        channel = self.get_channel(CHANNEL) or await self.fetch_channel(CHANNEL)
        me = channel.guild.me
        may = channel.permissions_for(me)
        say("channel", name=channel.name, may_send=may.send_messages, may_read=may.read_message_history)
        if self.lives == 1:
            first = await channel.send("hello from discord.py", nonce="dpy-1")
            again = await channel.send("hello from discord.py", nonce="dpy-1")
            file = discord.File(__file__, filename="note.md")
            with_file = await channel.send("with a file", file=file)
            say("sent", id=str(first.id), same=first.id == again.id, files=[a.filename for a in with_file.attachments])
            history = [m.content async for m in channel.history(limit=10)]
            say("history", contents=history)
            if mode() == "once":
                await self.close()
            else:
                say("waiting")
        else:
            await channel.send(SECOND_LIFE)


async def main() -> None:
    client = Client(intents=discord.Intents.all())
    try:
        await asyncio.wait_for(client.start(TOKEN), 90)
    except discord.LoginFailure as failure:
        say("login_failed", why=type(failure).__name__)
    finally:
        await client.close()
    say("done")


asyncio.run(main())
