"""What is there while the LAN is open: identity and book, the peer port with its routes, discovery
and the watch over the peers. Imported when it is opened."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import httpx

from ..errors import LanError
from . import blobs, hello, identity, membership, pairing, private, serving, transport
from .book import Book, Peer
from .code import Invitations
from .desk import Desk
from .discovery import Discovery
from .federation import Federation, Terms
from .hello import Health, Load
from .identity import Identity
from .members import Members
from .record import Record
from .server import PeerServer
from .twin import Twin

if TYPE_CHECKING:
    from .lan import Home, LanConfig

_AWAY_S = 60.0  # for how long a peer need not ask again who steps back
_LOG = logging.getLogger("local_swarm.network")


@dataclass(frozen=True, slots=True)
class Rooms:
    """All that is open. `tasks` tell members of each other."""

    me: Identity
    book: Book
    invitations: Invitations
    server: PeerServer
    members: Members
    discovery: Discovery | None
    record: Record
    federation: Federation
    twin: Twin
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def spread(self) -> None:
        """Tells the peers that can be reached who is a member; the rest ask when they see us."""
        for member in self.members.states():
            if (http := self.members.client(member.peer.id)) is not None:
                task = asyncio.get_running_loop().create_task(self._tell(http, member.peer.id))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    async def _tell(self, http: httpx.AsyncClient, id: str) -> None:
        try:
            await membership.exchange(http, self.book, self.me.device_id, id)
        except (httpx.HTTPError, LanError, RuntimeError) as error:  # RuntimeError: closed by now
            _LOG.info("%s was not told of the members: %s", id[:12], type(error).__name__)

    async def close(self) -> None:
        """Ends what `spread` has begun."""
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def build(
    stack: AsyncExitStack,
    config: LanConfig,
    home: Home,
    desk: Desk,
    willing: Callable[[], str | None],
) -> Rooms:
    """Opens all, to be closed by `stack`. `willing` is the reason why peers are not answered now.
    Raises LanError."""
    stack.enter_context(private.held(config.folder))
    me, book = identity.load(config.folder), Book(config.folder)
    invitations, record = Invitations(), Record(config.folder)

    def models() -> tuple[str, ...]:
        return home.facts().models

    async def differs(peer: Peer, http: httpx.AsyncClient) -> None:
        try:
            await membership.exchange(http, book, me.device_id, peer.id)
        except LanError as error:  # a full disk here, or nonsense there: asked at its next change
            _LOG.warning("who is a member was not learned: %s", error.message)

    def health() -> Health:
        facts, why = home.facts(), willing()
        load = Load(
            running=facts.running + desk.running,
            waiting=facts.waiting + desk.waiting,
            why=why,
            free_in_s=_AWAY_S if why else 0,
        )
        return Health(
            version=home.version,
            port=server.port or config.port,
            models=facts.models,
            seats=facts.seats,
            tokens_per_s=facts.tokens_per_s,
            load=load,
            membership=membership.fingerprint(book, me.device_id),
            clock=time.time(),
        )

    members = Members(
        me,
        book,
        partial(transport.client, me),
        health,
        listed=config.listed,
        differs=differs,
    )
    routes = [
        *membership.routes(book, me.device_id),
        *hello.routes(health, members.heard),
        *serving.routes(home.cast, models, desk, willing, lambda: home.facts().seats),
        *blobs.routes(home.shelf, lambda: desk.busy, willing),
    ]
    door = pairing.routes(me, book, invitations, lambda peer: rooms.spread())
    server = PeerServer(me, book, routes, door)
    twin, discovery = Twin(me), None

    def found(who: str, told: tuple[str, ...]) -> None:
        members.found(who, told)
        twin.found(who, told)

    stack.push_async_callback(server.close)
    await server.start(config.host, config.port)
    assert server.port
    if config.discover:
        discovery = Discovery(me.device_id, server.port, found, members.missing)
    federation = Federation(members, record, Terms(scope=config.scope), models)
    rooms = Rooms(me, book, invitations, server, members, discovery, record, federation, twin)
    stack.callback(book.on_change(_forgetting(book, record)))
    await stack.enter_async_context(members)
    if discovery is not None:
        await stack.enter_async_context(discovery)
    stack.push_async_callback(twin.close)
    stack.push_async_callback(rooms.close)
    return rooms


def _forgetting(book: Book, record: Record) -> Callable[[], None]:
    """Called at each change of the book: who is no member any more has no credit either."""
    known = {peer.id for peer in book.peers()}

    def forget() -> None:
        nonlocal known
        now = {peer.id for peer in book.peers()}
        for id in known - now:
            record.forget(id)
        known = now

    return forget
