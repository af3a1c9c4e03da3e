"""Paired machines that lie: python -m tests.lan.liar FOLDER FIRST_PORT WAY...

Each has its identity in FOLDER/WAY and a port of its own. A WAY is `many` (50 ballots for a wrong
number, each as the protocol wants it), `more` (more ballots than it has seats), `broken` (ballots
that are not the ones it had committed itself to), `garbage`, `parrot` (it says again what `many`
said to another question) or `echo` (it asks `many` the same, and commits itself only to what it has
heard).
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from local_swarm.network import hello, identity, protocol, transport
from local_swarm.network.book import Book
from local_swarm.network.discovery import Discovery
from local_swarm.network.hello import Health
from local_swarm.network.members import Members
from local_swarm.network.protocol import Accepted, Cast, Commit, End, write_line
from local_swarm.network.server import PeerServer

WRONG = "14 + 7 = 99\nAnswer: 99"


_heard: dict[str, list[bytes]] = {}  # what `many` said to each question


async def _lies(way: str, many: httpx.AsyncClient | None, request: Request) -> StreamingResponse:
    words = await request.body()
    asked = protocol.read_question(words)

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
        said = [ballot(seat) for seat in range(asked.seats if way == "many" else 50)]
        if way == "parrot":
            said = next((it for id, it in _heard.items() if id != asked.id), said[:1])
        elif way == "many":
            _heard[asked.id] = said
        elif many is not None:
            told = await many.post(protocol.PATH, content=words)
            said = [line.encode() + b"\n" for line in told.text.splitlines()[1:-1]]
        for one in said:
            yield one
        yield write_line(End(why="done"))

    return StreamingResponse(lines())


async def lie(folder: Path, places: Mapping[str, int], way: str) -> None:
    me, book, port = identity.load(folder), Book(folder), places[way]
    seats = 50 if way == "many" else 3

    def health() -> Health:
        return Health(port=port, models=("demo",), seats=seats, tokens_per_s=1e6)

    members = Members(me, book, partial(transport.client, me), health)
    many = None
    if way == "echo":
        many = transport.client(me, book.find("many"), f"127.0.0.1:{places['many']}")
    ballots = Route(protocol.PATH, partial(_lies, way, many), methods=["POST"])
    server = PeerServer(me, book, [ballots, *hello.routes(health, members.heard)])
    await server.start("", port)
    async with members, Discovery(me.device_id, port, members.found, members.missing):
        await asyncio.Event().wait()


async def main(folder: Path, port: int, ways: list[str]) -> None:
    places = {way: port + k for k, way in enumerate(ways)}
    await asyncio.gather(*(lie(folder / way, places, way) for way in ways))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
