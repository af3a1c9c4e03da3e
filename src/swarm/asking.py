"""The voters at work: asks them, gathers what they cast, knows what is still to come."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from ..ballot import Absent, Ballot, Meter
from ..chat import ChatRequest
from .canonical import key_of
from .decision import Rule
from .tally import Cast
from .tiers import Tier, Voter

LATE = "not finished in time"  # of a guest that the election did not wait for any longer
_LONG = 1 << 13  # characters
Embed = Callable[[str], Awaitable[tuple[float, ...]]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A voter that failed, and whether it was a guest, whose failure fails nothing."""

    voter: Voter
    error: Exception
    guest: bool


class Asking:
    """Every voter that was asked in one election, whatever the tier.

    `embed` makes the vector of a text; a failure leaves the ballot without one, and
    `degraded` says so.
    """

    def __init__(self, request: ChatRequest, rule: Rule, meter: Meter, embed: Embed | None) -> None:
        self._request, self._rule, self._meter, self._embed = request, rule, meter, embed
        self._asked: list[tuple[Voter, int]] = []
        self._cast_by: list[int] = []
        self._done: set[int] = set()
        self._guests: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        # (place of the voter, its ballot, its failure, or None at its end)
        self._inbox: asyncio.Queue[tuple[int, Cast | Exception | None]] = asyncio.Queue()

    def begin(self, tier: Tier) -> None:
        """Asks the voters of `tier`."""
        for at, (voter, seats) in enumerate(tier.everybody):
            place = len(self._asked)
            self._asked.append((voter, seats))
            if at >= len(tier.voters):
                self._guests.add(place)
            request = tier.request or self._request
            self._tasks.append(asyncio.create_task(self._pump(place, voter, request, seats)))

    @property
    def over(self) -> bool:
        """Whether nobody is at work any more."""
        return len(self._done) == len(self._asked)

    @property
    def only_guests(self) -> bool:
        """Whether nobody is at work any more but guests."""
        return all(n in self._done or n in self._guests for n in range(len(self._asked)))

    @property
    def home_cast(self) -> bool:
        """Whether a voter that is no guest has cast a ballot."""
        return any(place not in self._guests for place in self._cast_by)

    @property
    def seats(self) -> int:
        """How many seats were asked in all."""
        return sum(seats for _, seats in self._asked)

    async def next(self) -> Cast | Failure | None:
        """The next ballot, a voter's failure, or None when a voter has ended."""
        place, item = await self._inbox.get()
        voter = self._asked[place][0]
        if item is None:  # what it has not cast by now it never will
            self._done.add(place)
            self._meter.granted[voter.name] = self._cast_by.count(place)
            return None
        if isinstance(item, Exception):
            return Failure(voter, item, place in self._guests)
        self._cast_by.append(place)
        return item

    def out(self, to_come: Sequence[Tier] = ()) -> dict[str, float]:
        """The weight of the ballots that may still be cast, by machine, before any cap; those of
        tiers `to_come` included."""
        waiting: defaultdict[str, float] = defaultdict(float)
        for place, (voter, seats) in enumerate(self._asked):
            if place not in self._done:
                granted = self._meter.granted.get(voter.name, seats)
                seats = max(0, granted - self._cast_by.count(place))
                waiting[voter.machine] += seats * self._rule.weight(voter.model)
        for tier in to_come:
            for voter, seats in tier.everybody:
                waiting[voter.machine] += seats * self._rule.weight(voter.model)
        return waiting

    def tried(self, model: str | None) -> bool:
        """Whether a voter of this model was asked."""
        return any(voter.model == model for voter, _ in self._asked)

    def missing(self) -> list[Absent]:
        """The voters that are still at work when the deadline has come."""
        return self._absent(self._working(), "not finished by the deadline")

    def dismiss(self) -> list[Absent]:
        """Waits no longer for whoever is still at work."""
        late = self._working()
        for place in late:
            self._tasks[place].cancel()
        self._done.update(late)
        return self._absent(late, LATE)

    def _absent(self, places: Sequence[int], why: str) -> list[Absent]:
        return [Absent(self._asked[place][0].name, why) for place in places]

    def _working(self) -> list[int]:
        return [place for place in range(len(self._asked)) if place not in self._done]

    async def close(self) -> None:
        """Stops whoever still works, and waits for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(self, place: int, voter: Voter, request: ChatRequest, seats: int) -> None:
        try:
            async with aclosing(voter.vote(request, seats, self._meter)) as stream:  # type: ignore[type-var]
                async for ballot in stream:
                    self._inbox.put_nowait((place, await self._cast(ballot)))
        except Exception as error:  # handed on: hold() raises it when nobody else can answer
            self._inbox.put_nowait((place, error))
        finally:
            self._inbox.put_nowait((place, None))

    async def _cast(self, ballot: Ballot) -> Cast:
        # A long text takes a moment, and a guest may send any: the loop goes on meanwhile.
        if len(ballot.answer.text) > _LONG:
            key = await asyncio.to_thread(key_of, self._rule.asked, ballot)
        else:
            key = key_of(self._rule.asked, ballot)
        cast = Cast(ballot, key, self._rule.weight(ballot.model))
        if self._embed is None or cast.key is None or ballot.answer.tool_calls:
            return cast
        try:
            return replace(cast, vector=await self._embed(ballot.answer.text))
        except Exception as error:  # an answer is worth more than its vector; the verdict tells it
            why = f"no embedding ({type(error).__name__}): answers are compared by their words"
            self._meter.degraded = self._meter.degraded or why
            return cast
