"""Paired machines that lie: python -m tests.lan.liar FOLDER FIRST_PORT WAY...

Each has its identity in FOLDER/WAY and a port of its own. A WAY is `many` (50 ballots for a wrong
number, each as the protocol wants it), `more` (more ballots than it has seats), `broken` (ballots
that are not the ones it had committed itself to), `silent` (it accepts, and its heart beats until
the end of time) or `garbage`.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from local_swarm.network import hello, identity, protocol, transport
from local_swarm.network.book import Book
from local_swarm.network.discovery import Discovery
from local_swarm.network.hello import Health
from local_swarm.network.members import Members
from local_swarm.network.protocol import Accepted, Cast, Commit, End, Heartbeat, write_line
from local_swarm.network.server import PeerServer

WRONG = "14 + 7 = 99\nAnswer: 99"


async def _lies(way: str, request: Request) -> StreamingResponse:
    asked = protocol.read_question(await request.body())

    def ballot(seat: int) -> bytes:
        cast = Cast(
            seat=seat,
            salt=secrets.token_hex(16),
            model="demo",
            text=WRONG,
            finish="stop",
            tokens=16,
            confidence=1.0,
        )
        promised = "0" * 64 if way == "broken" else cast.digest(asked.id)
        return write_line(Commit(seat=seat, hash=promised)) + write_line(cast)

    async def lines() -> AsyncIterator[bytes]:
        if way == "garbage":
            yield b'{"kind": "ballot", "seat": 1e400}\n' * 100
            return
        yield write_line(Accepted(seats=asked.seats))
        while way == "silent":
            yield write_line(Heartbeat())
            await asyncio.sleep(1)
        for seat in range(asked.seats if way == "many" else 50):
            yield ballot(seat)
        yield write_line(End(why="done"))

    return StreamingResponse(lines())


async def lie(folder: Path, port: int, way: str) -> None:
    me, book = identity.load(folder), Book(folder)
    seats = 50 if way == "many" else 3

    def health() -> Health:
        return Health(port=port, models=("demo",), seats=seats, tokens_per_s=1e6)

    members = Members(me, book, partial(transport.client, me), health)
    ballots = Route(protocol.PATH, partial(_lies, way), methods=["POST"])
    server = PeerServer(me, book, [ballots, *hello.routes(health, members.heard)])
    await server.start("", port)
    async with members, Discovery(me.device_id, port, members.found, members.missing):
        await asyncio.Event().wait()


async def main(folder: Path, port: int, ways: list[str]) -> None:
    await asyncio.gather(*(lie(folder / way, port + k, way) for k, way in enumerate(ways)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
