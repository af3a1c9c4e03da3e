"""The LAN of one node: nothing is opened, and nothing heavy imported, before it invites, joins, or
has a peer. What there is then is put together in `rooms`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..ballot import Ballot, Meter
from ..chat import ChatRequest
from ..errors import LanError, UsageError
from ..settings import DEFAULT_PEER_PORT
from ..status import Invitation, LanStatus, PeerSeen, PeerStatus
from .book import Book, is_address
from .desk import Desk
from .mode import Mode
from .record import Record
from .told import status_of

if TYPE_CHECKING:
    from ..models.by_hash import Held
    from ..swarm.extras import Allies
    from .rooms import Rooms

_BATTERY_S = 10.0
_LOG = logging.getLogger("local_swarm.network")


@dataclass(frozen=True, slots=True)
class LanConfig:
    """`folder` keeps identity and peers. The peer port is opened on `host` (empty: on all
    interfaces). `discover` lets machines find each other by multicast DNS."""

    folder: Path
    mode: Mode = Mode.PARTICIPANT
    host: str = ""
    port: int = DEFAULT_PEER_PORT
    discover: bool = True
    listed: tuple[str, ...] = ()
    scope: str = "lan"


async def _nobody(request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
    """The seats of a machine that has none."""
    return
    yield


@dataclass(frozen=True, slots=True)
class Facts:
    """What peers are told of this node: see `hello.Health`."""

    models: tuple[str, ...] = ()
    seats: int = 0
    tokens_per_s: float | None = None
    running: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """The node: `cast` answers with its own seats alone, `shelf` finds a file by its SHA-256."""

    version: str = ""
    facts: Callable[[], Facts] = Facts
    cast: Callable[[ChatRequest, int, Meter], AsyncIterator[Ballot]] = _nobody
    shelf: Callable[[str], Held | None] = lambda digest: None


class Lan:
    """See status.LanControl. Also works beside no node, on the files alone."""

    def __init__(self, config: LanConfig) -> None:
        self.config = config
        self.trouble: str | None = None
        self._home, self._desk = Home(), Desk()
        self._rooms: Rooms | None = None
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._started = False
        self._paused = False
        self._battery: tuple[float, bool] = (0.0, False)

    async def start(self, home: Home) -> None:
        """Opens the LAN if there are peers. What keeps it shut is told in `trouble`: the node
        serves its own user all the same."""
        self._home, self._started = home, True
        if self.config.mode is Mode.STANDALONE:
            return
        try:
            if Book(self.config.folder).peers():
                await self._open()
        except (LanError, OSError) as error:
            self.trouble = error.full if isinstance(error, LanError) else str(error)
            _LOG.warning("the LAN stays shut: %s", self.trouble)

    async def close(self) -> None:
        """Says goodbye and closes all that is open."""
        self._started = False
        async with self._opening:
            self._rooms = None
            await self._stack.aclose()

    async def invite(self, *, trust: bool) -> Invitation:
        """See LanControl: opens the peer port, and a code for ten minutes."""
        from . import addresses
        from .code import VALID_S

        rooms = await self._open()
        code = rooms.invitations.issue(rooms.me.device_id, trust=trust)
        assert rooms.server.port
        ours = [str(ip) for ip in addresses.telling(addresses.links())]
        hosts = [self.config.host] if self.config.host else ours
        places = tuple(addresses.join(host, rooms.server.port) for host in hosts)
        return Invitation(str(code), VALID_S, places)

    async def join(self, code: str, at: str | None, *, trust: bool) -> PeerStatus:
        """See LanControl. The inviter is looked for at `at`, else as `seek` does."""
        from .code import parse

        read, typed = parse(code), None if at is None else place(at)
        rooms = await self._open()
        from . import pairing, seek

        assert rooms.server.port
        places = (
            [pairing.Place(typed, listed=True)]
            if typed
            else await seek.places(read, rooms.discovery, rooms.server.port)
        )
        peer = await pairing.join(
            rooms.me, rooms.book, read, places, rooms.server.port, trust=trust
        )
        rooms.spread()
        return self._one(peer.id)

    def peers(self) -> LanStatus:
        """See LanControl."""
        rooms = self._rooms
        book, record = self._book(), rooms.record if rooms else Record(self.config.folder)
        told = {member.peer.id: member for member in rooms.members.states()} if rooms else {}
        patience = rooms.federation.patience if rooms else None
        return LanStatus(
            mode=self.config.mode.value,
            id=rooms.me.device_id if rooms else None,
            name=rooms.me.name if rooms else None,
            port=rooms.server.port if rooms else None,
            paused=self._paused,
            peers=tuple(
                status_of(peer, told.get(peer.id), record, patience) for peer in book.peers()
            ),
            removed=tuple(sorted(book.removed)),
            trouble=self.trouble,
            twin=rooms.twin.trouble if rooms else None,
            discovery=rooms.discovery.trouble if rooms and rooms.discovery else None,
        )

    def seen(self) -> tuple[PeerSeen, ...]:
        """The peers that are looked for."""
        members = self._rooms.members.states() if self._rooms else ()
        return tuple(
            PeerSeen(
                member.peer.name,
                member.state.value,
                tuple(member.models),
                member.seats,
                member.tokens_per_s,
            )
            for member in members
        )

    def remove(self, who: str) -> PeerStatus:
        """See LanControl. Its connections are cut now, and the other members are told."""
        book = self._changing()
        peer = book.find(who)
        last = self._one(peer.id)
        book.remove(peer.id)
        if self._rooms:
            self._rooms.spread()
        return last

    def rename(self, who: str, name: str) -> PeerStatus:
        """See LanControl. The name is this machine's own for the peer."""
        book = self._changing()
        peer, name = book.find(who), name.strip()
        if not name or any(name == other.name for other in book.peers() if other.id != peer.id):
            raise UsageError(
                f"A peer cannot be called {name!r}.",
                hint="Every peer has a name that no other has.",
            )
        book.put(replace(peer, name=name))
        return self._one(peer.id)

    def trust(self, who: str, trusted: bool) -> PeerStatus:
        """See LanControl."""
        book = self._changing()
        peer = book.find(who)
        book.put(replace(peer, trusted=trusted))
        return self._one(peer.id)

    def pause(self, paused: bool) -> None:
        """See LanControl. Peers get nothing until then; this machine may still ask them."""
        self._paused = paused

    def allies(self, request: ChatRequest, strategy: str) -> Allies | None:
        """The peers that vote on a request of this machine; see swarm.extras.Extras."""
        if self._rooms is None or not self.config.mode.asks:
            return None
        return self._rooms.federation.allies(request, strategy)

    def local(self) -> AbstractContextManager[None]:
        """To be entered while a request of this machine's own user is answered: it comes first."""
        return self._desk.local()

    def willing(self) -> str | None:
        """Why this machine takes no questions of peers now; None when it does."""
        if self._paused:
            return "paused"
        return "on battery" if self._on_battery() else None

    async def _open(self) -> Rooms:
        """Opens all, once. Raises LanError, and leaves nothing open then."""
        if self.config.mode is Mode.STANDALONE:
            raise UsageError(
                "This node is standalone: it has no peers.",
                hint="Start it without --mode standalone.",
            )
        async with self._opening:
            if self._rooms is None:
                if not self._started:
                    raise LanError("The node is not ready yet.", hint="Try again in a moment.")
                from .rooms import build

                async with AsyncExitStack() as stack:
                    self._rooms = await build(
                        stack, self.config, self._home, self._desk, self.willing
                    )
                    self._stack = stack.pop_all()
                self.trouble = None
            return self._rooms

    def _book(self) -> Book:
        return self._rooms.book if self._rooms else Book(self.config.folder)

    def _changing(self) -> Book:
        """The book to be changed; not where another node may hold it, which would not see that."""
        if self.trouble and self._rooms is None:
            raise LanError(f"Nothing is changed while the LAN stays shut. {self.trouble}")
        return self._book()

    def _one(self, id: str) -> PeerStatus:
        return next(peer for peer in self.peers().peers if peer.id == id)

    def _on_battery(self) -> bool:
        """Asked of the system every ten seconds at most."""
        at, found = self._battery
        if time.monotonic() - at > _BATTERY_S or not at:
            import psutil

            battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
            found = battery is not None and battery.power_plugged is False
            self._battery = (time.monotonic(), found)
        return found


def place(at: str) -> str:
    """What the user typed as host:port; without a port, ours."""
    at = at.strip().removeprefix("https://").rstrip("/")
    if at.count(":") > 1 and not at.startswith("["):
        at = f"[{at}]"
    if at.endswith("]") or ":" not in at:
        at = f"{at}:{DEFAULT_PEER_PORT}"
    if not is_address(at):
        raise UsageError(f"{at!r} is no address.", hint="Write 192.168.1.20:17601.")
    return at
