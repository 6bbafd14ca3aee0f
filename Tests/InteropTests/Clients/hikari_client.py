"""An unmodified hikari against the loopback: only its REST address is pointed elsewhere."""

import asyncio

import hikari
from common import arguments, mode, say

REST, GATEWAY, TOKEN, CHANNEL = arguments()
SECOND_LIFE = "second life"

bot = hikari.GatewayBot(
    TOKEN,
    rest_url=REST + "/v10",
    banner=None,
    logs=None,
    intents=hikari.Intents.ALL,
    suppress_optimization_warning=True,
)
over = asyncio.Event()
lives = 0


async def live() -> None:
    global lives
    lives += 1
    channel = await bot.rest.fetch_channel(CHANNEL)
    say("channel", name=channel.name)
    if lives == 1:
        first = await bot.rest.create_message(CHANNEL, "hello from hikari")
        with_file = await bot.rest.create_message(CHANNEL, "with a file", attachment=hikari.Bytes(b"# note", "note.md"))
        say("sent", id=str(first.id), files=[a.filename for a in with_file.attachments])
        history = [m.content async for m in bot.rest.fetch_messages(CHANNEL).limit(10)]
        say("history", contents=history)
        if mode() == "once":
            over.set()
        else:
            say("waiting")
    else:
        await bot.rest.create_message(CHANNEL, SECOND_LIFE)


@bot.listen(hikari.ShardReadyEvent)
async def ready(event: hikari.ShardReadyEvent) -> None:
    say("ready", user=str(event.my_user.id), session=event.session_id)
    asyncio.create_task(live())


@bot.listen(hikari.ShardResumedEvent)
async def resumed(event: hikari.ShardResumedEvent) -> None:
    say("resumed")
    asyncio.create_task(live())


@bot.listen(hikari.GuildAvailableEvent)
async def guild(event: hikari.GuildAvailableEvent) -> None:
    say("guild", channels=len(event.channels), threads=len(event.threads), members=len(event.members))


@bot.listen(hikari.MessageCreateEvent)
async def message(event: hikari.MessageCreateEvent) -> None:
    mine = event.author_id == bot.get_me().id if bot.get_me() else None
    say("message", id=str(event.message_id), content=event.content, nonce=event.message.nonce, mine=mine)
    if event.content == SECOND_LIFE:
        over.set()


async def main() -> None:
    try:
        await bot.start(check_for_updates=False)
    except hikari.UnauthorizedError as failure:
        say("login_failed", why=type(failure).__name__)
        say("done")
        return
    await asyncio.wait_for(over.wait(), 90)
    await bot.close()
    say("done")


asyncio.get_event_loop().run_until_complete(main())
