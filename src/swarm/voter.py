"""An engine as a voter: its seats' pieces become ballots."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from ..backends.base import Engine, Grant
from ..ballot import Ballot, Meter
from ..chat import ChatRequest
from .assembly import Assembly

HOME = "home"  # the machine that was asked


class EngineVoter:
    """Casts one ballot a seat. See election.Voter."""

    def __init__(self, engine: Engine, machine: str = HOME) -> None:
        self._engine = engine
        self._machine = machine

    @property
    def name(self) -> str:
        return f"{self._machine}/{self._engine.model}"

    async def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        """See election.Voter.vote."""
        started = time.monotonic()
        said: defaultdict[int, Assembly] = defaultdict(Assembly)
        stream: Any = self._engine.sample(request, seats)
        async with aclosing(stream):
            async for item in stream:
                if isinstance(item, Grant):
                    meter.grant(self.name, item.seats, item.prompt_tokens, item.degraded)
                    continue
                seat = said[item.seat]
                seat.add(item)
                meter.by_seat[self.name, item.seat] = seat.tokens
                if item.finish:
                    yield seat.ballot(
                        item.finish,
                        voter=f"{self.name}#{item.seat}",
                        machine=self._machine,
                        model=self._engine.model,
                        seconds=time.monotonic() - started,
                        seed=seed_of(request, item.seat),
                    )


def seed_of(request: ChatRequest, seat: int) -> int | None:
    """The seed of a seat, where the caller gave one."""
    seed = request.sampling.get("seed")
    return seed + seat if isinstance(seed, int) else None
