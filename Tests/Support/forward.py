"""Carries connections from a Unix socket to a port of 127.0.0.1: the way out of a box's network to what runs outside of it.

    forward.py SOCKET PORT      until standard input ends
"""

import asyncio
import sys


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def main(path, port):
    async def serve(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer), return_exceptions=True)
        for side in writer, far_writer:
            side.close()

    await asyncio.start_unix_server(serve, path, backlog=512)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
