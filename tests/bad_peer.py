"""A paired machine gone bad: it has its key, speaks the protocol of peers, and breaks it.

    python -m tests.bad_peer FOLDER FIRST_PORT WAY...   each with its identity in FOLDER/WAY and a
                                                        port of its own, until it is killed

A way is a name in `WAYS` (how it answers questions) or in `POLLS` (how it answers what else it is
asked). It is written on bare TLS: a web server would refuse to say half of it.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from local_swarm.network import hello, membership, protocol, transport
from local_swarm.network.hello import Health

from .bad_ways import OK, POLLS, WAYS, Bad, Wire
from .lan_peers import Machine, machine


@asynccontextmanager
async def serving(
    of: Machine, way: str, to: Machine, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Bad]:
    """The peer port of a machine that behaves in a `way` towards the machine `to`."""
    bad = Bad(of, way)
    context = transport.serving(of.identity)
    context.load_verify_locations(cadata=to.identity.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _serve(bad, reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(connected, host, port, ssl=context)
    bad.port = server.sockets[0].getsockname()[1]
    try:
        yield bad
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


async def _serve(bad: Bad, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        path = head.split(b" ")[1].decode()
        if path == protocol.PATH and bad.way in WAYS:
            bad.asked.append(protocol.read_question(body))
            await WAYS[bad.way](Wire(bad, writer, bad.asked[-1]))
            if bad.way == "hangs up":
                return
            continue
        if bad.way in POLLS:
            async for piece in POLLS[bad.way](bad):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
                bad.sent += len(piece)
            continue
        told = membership.View().model_dump_json()
        if path in (hello.HEALTH, hello.HELLO):
            told = Health(port=bad.port, models=("demo",), seats=3).model_dump_json()
        writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(told) + told.encode())
        await writer.drain()


async def main(folder: Path, port: int, ways: list[str]) -> None:
    home = machine(folder / "home" / "lan")
    async with AsyncExitStack() as stack:
        for place, way in enumerate(ways):
            other = machine(folder / way)
            await stack.enter_async_context(serving(other, way, home, "", port + place))
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
