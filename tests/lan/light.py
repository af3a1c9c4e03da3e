"""A node without an engine: it announces itself, finds its peers and polls them.

python -m tests.lan.light FOLDER PORT    prints a line of JSON whenever what it knows of its peers
has changed: {device id: [state, address, trouble]}.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from local_swarm.network import hello, identity, transport
from local_swarm.network.book import Book
from local_swarm.network.discovery import Discovery
from local_swarm.network.hello import Health
from local_swarm.network.members import Members
from local_swarm.network.server import PeerServer


async def main(folder: Path, port: int) -> None:
    me, book = identity.load(folder), Book(folder)

    def health() -> Health:
        return Health(port=port, models=("demo",), seats=1)

    members = Members(me, book, partial(transport.client, me), health)
    server = PeerServer(me, book, hello.routes(health, members.heard))
    await server.start("", port)
    discovery = Discovery(me.device_id, port, members.found, members.missing)
    known: object = None
    async with members, discovery:
        while True:
            now = {it.peer.id: [it.state, it.address, it.trouble] for it in members.states()}
            if now != known:
                known = now
                print(json.dumps(now), flush=True)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
