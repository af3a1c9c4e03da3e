"""Which of our peers are there: polls over kept connections, and what ballots have shown.

Each peer is polled by itself. The address that answered is kept; when it fails, all that are known
are tried at once, the last good one first, and the first that shows the right certificate wins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from . import reach
from .book import Book, Peer
from .discovery import short
from .hello import Health
from .identity import Identity
from .member import Entry, Member
from .reach import Knock
from .standing import State

if TYPE_CHECKING:
    import httpx

_LEAST_S = 0.25  # between two polls of one peer, whatever is heard meanwhile
# Peers that are looked for at once. Of a hundred handshakes at the same time most would not be
# answered within the patience of those that wait, and be begun again.
_AT_ONCE = 16
_LOG = logging.getLogger("local_swarm.network")


Connect = Callable[[Peer, str], "httpx.AsyncClient"]
Differs = Callable[[Peer, "httpx.AsyncClient"], Awaitable[None]]


async def _ignore(peer: Peer, client: httpx.AsyncClient) -> None:
    return None


class Members:
    """Watches the peers in `book` inside an `async with` block.

    `connect(peer, "host:port")` makes a client that speaks to nobody but that peer; clients are
    kept and closed here. `me()` is what we tell of ourselves. `listed` are addresses that the user
    gave without saying whose they are. `differs` is awaited when a peer's list of members has
    changed since it was last asked.
    """

    def __init__(
        self,
        identity: Identity,
        book: Book,
        connect: Connect,
        me: Callable[[], Health],
        *,
        listed: Sequence[str] = (),
        differs: Differs = _ignore,
    ) -> None:
        self._identity = identity
        self._book = book
        self._connect = connect
        self._me = me
        self._listed = tuple(listed)
        self._differs = differs
        self._entries: dict[str, Entry] = {}
        self._hints: dict[str, tuple[str, ...]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._dialling = asyncio.Semaphore(_AT_ONCE)
        self._forget: Callable[[], None] | None = None

    async def __aenter__(self) -> Members:
        self._forget = self._book.on_change(self._sync)
        self._sync()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._forget is not None:
            self._forget()
        for id in tuple(self._entries):
            self._drop(id)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def states(self) -> tuple[Member, ...]:
        """All peers as they are now."""
        now = time.monotonic()
        return tuple(entry.member(now) for entry in self._entries.values())

    def client(self, id: str) -> httpx.AsyncClient | None:
        """The kept client to a peer, not to be closed; None when it cannot be reached now."""
        entry = self._entries.get(id)
        if entry is None or entry.standing.state(time.monotonic()) is State.DOWN:
            return None
        return entry.client

    def missing(self) -> bool:
        """Whether a peer is not up."""
        return any(entry.state is State.DOWN for entry in self._entries.values())

    def worked(self, id: str) -> None:
        """A ballot came from this peer."""
        if entry := self._entries.get(id):
            entry.standing.worked(time.monotonic())
            entry.settle()

    def failed(self, id: str) -> None:
        """A ballot of this peer failed: it is suspect until it answers a poll, which is sent now.
        Being busy is no failure."""
        if entry := self._entries.get(id):
            entry.standing.failed(time.monotonic())
            entry.settle("a ballot failed")
            entry.poke.set()

    def busy(self, id: str, retry_after_s: float) -> None:
        """This peer takes no question for so many seconds."""
        if entry := self._entries.get(id):
            entry.standing.busy(time.monotonic(), retry_after_s)
            entry.settle()

    def found(self, who: str, told: tuple[str, ...]) -> None:
        """Addresses of a machine, by multicast (see `discovery.Discovery`): where to knock."""
        for entry in self._entries.values():
            if short(entry.peer.id) == who and entry.hints != told:
                entry.hints = told
                self._wake(entry)

    def heard(self, id: str, address: str | None, health: Health | None) -> None:
        """A call of this peer (see `hello.routes`): it lives, and we may call it back there."""
        if entry := self._entries.get(id):
            if address is not None:
                others = tuple(other for other in entry.proved if other != address)
                entry.proved = (address, *others)[:4]
            self._wake(entry)

    def _wake(self, entry: Entry) -> None:
        if entry.standing.state(time.monotonic()) in (State.DOWN, State.SUSPECT):
            entry.poke.set()

    def _sync(self) -> None:
        """Brings the peers we watch in line with the book."""
        peers = {peer.id: peer for peer in self._book.peers()}
        for id in tuple(self._entries):
            if id not in peers:
                self._drop(id)
        for id, peer in peers.items():
            if id == self._identity.device_id:
                continue
            entry = self._entries.get(id)
            if entry is None:
                entry = self._entries[id] = Entry(peer)
                entry.task = asyncio.get_running_loop().create_task(self._watch(entry))
            entry.peer = peer
            self._wake(entry)

    def _drop(self, id: str) -> None:
        entry = self._entries.pop(id)
        if entry.task is not None:
            entry.task.cancel()
        self._close(entry.client, entry.task)
        entry.client = None

    def _close(
        self, client: httpx.AsyncClient | None, after: asyncio.Task[None] | None = None
    ) -> None:
        async def close() -> None:
            if after is not None:
                await asyncio.wait([after])
            if client is not None:
                with contextlib.suppress(Exception):
                    await client.aclose()

        task = asyncio.get_running_loop().create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _watch(self, entry: Entry) -> None:
        while True:
            entry.poke.clear()
            try:
                await self._contact(entry)
            except Exception as error:  # one peer's oddity must not end its watch
                _LOG.error("the poll of a peer broke: %s", type(error).__name__)
                entry.standing.missed()
            await asyncio.sleep(_LEAST_S)
            pause = entry.standing.next_poll(len(self._entries)) * random.uniform(0.9, 1.1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pause - _LEAST_S)):
                    await entry.poke.wait()

    async def _contact(self, entry: Entry) -> None:
        """One poll, and what follows from it."""
        health: Health | None = None
        if entry.client is not None and entry.standing.misses == 0:
            try:
                health = await reach.poll(entry.client)
            except reach.FAULTS as error:
                entry.trouble = reach.why(error)
        else:
            health = await self._reach(entry)
        if health is None:
            entry.standing.missed()
            entry.settle(entry.trouble)
            if entry.state is State.DOWN:
                self._close(entry.client)
                entry.client = None
            return
        entry.health, entry.trouble = health, None
        entry.clock_s = None if health.clock is None else health.clock - time.time()
        entry.standing.answered(time.monotonic(), health.load.free_in_s)
        entry.settle()
        assert entry.client is not None
        if health.membership not in (entry.membership, self._me().membership):
            entry.membership = health.membership
            try:
                await self._differs(entry.peer, entry.client)
            except reach.FAULTS:
                entry.membership = None  # asked again after the next poll

    async def _reach(self, entry: Entry) -> Health | None:
        """Looks for a peer at every address; the one that answers is kept."""
        targets = await entry.targets(self._book.get(entry.peer.id) or entry.peer, self._listed)
        if not targets:
            entry.trouble = "no address is known where it may be looked for"
            return None

        def knock(address: str) -> Knock:
            kept = entry.client if address == entry.address else None
            client = kept or self._connect(entry.peer, address)
            return Knock(address, client, fresh=client is not kept)

        try:
            async with self._dialling:
                won, health = await reach.first(targets, knock, self._me())
        except reach.FAULTS as error:
            entry.trouble = reach.why(error)
            return None
        if won.client is not entry.client:
            self._close(entry.client)
        entry.client, entry.address = won.client, won.address
        self._book.good_address(entry.peer.id, won.address)
        return health
