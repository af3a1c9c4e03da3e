"""An engine as a voter: its seats' pieces become ballots."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ..backends.base import Engine, Grant
from ..ballot import Ballot, Meter
from ..chat import ChatRequest
from .assembly import Assembly
from .weights import HOME


class EngineVoter:
    """Casts one ballot a seat. See tiers.Voter.

    The seats count from `first`, so that an engine may be asked several times in one election.
    """

    def __init__(self, engine: Engine, machine: str = HOME, first: int = 0) -> None:
        self._engine = engine
        self._machine = machine
        self._first = first

    @property
    def name(self) -> str:
        return f"{self._machine}/{self._engine.model}" + (f"@{self._first}" if self._first else "")

    @property
    def machine(self) -> str:
        return self._machine

    @property
    def model(self) -> str | None:
        return self._engine.model

    async def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        """See tiers.Voter.vote."""
        started = time.monotonic()
        said: defaultdict[int, Assembly] = defaultdict(Assembly)
        request = self._reseeded(request)
        stream: Any = self._engine.sample(request, seats)
        async with aclosing(stream):
            async for item in stream:
                if isinstance(item, Grant):
                    meter.grant(self.name, item.seats, item.prompt_tokens, item.degraded)
                    continue
                seat = said[item.seat]
                seat.add(item)
                meter.by_seat[self.name, item.seat] = seat.tokens
                if item.text and not item.restart:
                    meter.on_words(self.name, item.seat, item.text)
                if item.finish:
                    yield seat.ballot(
                        item.finish,
                        voter=worker(self._engine.model, self._first + item.seat, self._machine),
                        machine=self._machine,
                        model=self._engine.model,
                        seconds=time.monotonic() - started,
                        seed=seed_of(request, item.seat),
                    )

    def _reseeded(self, request: ChatRequest) -> ChatRequest:
        """Seats that are asked later draw anew, where the caller gave a seed; else they would
        repeat the first ones word for word."""
        seed = seed_of(request, self._first)
        return (
            request
            if seed is None
            else replace(request, sampling={**request.sampling, "seed": seed})
        )


def worker(model: str, seat: int, machine: str = HOME) -> str:
    """The name of one seat."""
    return f"{machine}/{model}#{seat}"


def seed_of(request: ChatRequest, seat: int) -> int | None:
    """The seed of a seat, where the caller gave one."""
    seed = request.sampling.get("seed")
    return seed + seat if isinstance(seed, int) else None
