"""An engine as a voter: its seats' pieces become ballots."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ..backends.base import Engine, Grant
from ..ballot import Ballot, Finish, Meter
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
        started, granted = time.monotonic(), seats
        said: defaultdict[int, Assembly] = defaultdict(Assembly)
        request = self._reseeded(request)
        open_seats: set[int] = set()
        stream: Any = self._engine.sample(request, seats)

        def ballot(seat: int, finish: Finish) -> Ballot:
            return said[seat].ballot(
                finish,
                voter=worker(self._engine.model, self._first + seat, self._machine),
                machine=self._machine,
                model=self._engine.model,
                seconds=time.monotonic() - started,
                seed=seed_of(request, seat),
            )

        async with aclosing(stream):
            async for item in stream:
                if isinstance(item, Grant):
                    meter.grant(self.name, item.seats, item.prompt_tokens, item.degraded)
                    open_seats, granted = set(range(item.seats)), item.seats
                    continue
                seat = said[item.seat]
                seat.add(item)
                meter.by_seat[self.name, item.seat] = seat.tokens
                if item.text and not item.restart:
                    meter.on_words(self.name, item.seat, item.text)
                if item.finish:
                    open_seats.discard(item.seat)
                    yield ballot(item.seat, item.finish)
                # Nobody waits for who only repeats himself, once half of the seats have answered.
                if 0 < len(open_seats) <= granted // 2 and all(said[n].looping for n in open_seats):
                    for number in sorted(open_seats):
                        yield ballot(number, Finish.LENGTH)
                    return

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
