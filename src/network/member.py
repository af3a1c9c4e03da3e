"""A peer as others see it, and what is kept of it while it is watched."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import addresses
from .book import Peer
from .discovery import short
from .hello import Health, Load
from .standing import Standing, State

if TYPE_CHECKING:
    import httpx

_CANDIDATES = 8
_NOTHING = Health(port=1)
_LOG = logging.getLogger("local_swarm.network")


@dataclass(frozen=True, slots=True)
class Member:
    """A peer and how it was when it was last seen, `seen_s` seconds ago (None: never yet).

    `askable`: up, neither busy nor put out; `ejected_s` is how long it stays put out. `trouble`
    says why it is not up. `version` is that of its program, `clock_s` how far its clock is ahead.
    """

    peer: Peer
    state: State
    askable: bool
    load: Load = field(default_factory=Load)
    models: tuple[str, ...] = ()
    seats: int = 0
    tokens_per_s: float | None = None
    version: str | None = None
    address: str | None = None
    seen_s: float | None = None
    ejected_s: float = 0.0
    clock_s: float | None = None
    trouble: str | None = None

    @property
    def rests(self) -> str | None:
        """Why it is asked nothing although it answers; None where it is asked, or does not."""
        if self.state is State.BUSY:
            return f"it takes no questions now: {self.load.why or 'busy'}."
        if self.state is State.UP and self.ejected_s > 0:
            return f"it sits out for {self.ejected_s:.0f} s: its last answers failed."
        return None


@dataclass(slots=True, eq=False)
class Entry:
    """What is known of a peer while it is watched. `hints` are addresses from multicast, `proved`
    those from which it has called us."""

    peer: Peer
    standing: Standing = field(default_factory=Standing)
    state: State = State.DOWN
    client: httpx.AsyncClient | None = None
    address: str | None = None
    health: Health | None = None
    clock_s: float | None = None
    trouble: str | None = None
    membership: int | None = None
    hints: tuple[str, ...] = ()
    proved: tuple[str, ...] = ()
    poke: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def member(self, now: float) -> Member:
        """How it stands at a time of the monotonic clock."""
        standing, health = self.standing, self.health or _NOTHING
        state = standing.state(now)
        return Member(
            self.peer,
            state,
            standing.askable(now),
            health.load,
            health.models,
            health.seats,
            health.tokens_per_s,
            health.version or None,
            self.address,
            None if standing.seen is None else now - standing.seen,
            standing.ejected_s(now),
            self.clock_s,
            self.trouble if state in (State.SUSPECT, State.DOWN) else None,
        )

    def settle(self, why: str | None = None) -> None:
        """Notes a change of state in the log."""
        before, self.state = self.state, self.standing.state(time.monotonic())
        if before is not self.state:
            told = f" ({why})" if why else ""
            _LOG.info("peer %s is %s%s", short(self.peer.id), self.state.value, told)

    async def targets(self, peer: Peer, listed: Sequence[str]) -> tuple[str, ...]:
        """Where it may be, best first: what was good last, then where it called from, was heard of
        and what the user typed, as far as `addresses` lets it be dialled."""
        ours = addresses.links()
        vouched = {*self.proved, *peer.listed, *listed}
        last = (self.address,) if self.address else ()
        known = (*last, *peer.addresses, *self.proved, *self.hints, *peer.listed, *listed)
        found: dict[str, None] = {}
        for address in dict.fromkeys(known):
            allowed = await addresses.dialable(address, ours, vouched=address in vouched)
            found.update(dict.fromkeys(allowed))
        return tuple(found)[:_CANDIDATES]
