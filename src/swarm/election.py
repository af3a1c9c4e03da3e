"""One election, used on one machine and across the LAN: ask all, count, stop, decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..ballot import Absent, Ballot, Meter, Round, Verdict
from ..chat import ChatRequest, Progress
from ..errors import NoAnswer
from .canonical import key_of
from .decision import Rule, decide, unsure
from .tally import Cast
from .tiers import Tier, Voter, why_invalid

__all__ = ["Rule", "Tier", "Voter", "hold"]

# (place of the voter in the election, its ballot, its failure, or None at its end)
Inbox = asyncio.Queue[tuple[int, Cast | Exception | None]]
Embed = Callable[[str], tuple[float, ...] | None]


async def hold(
    tiers: Sequence[Tier],
    request: ChatRequest,
    rule: Rule,
    deadline_s: float | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    meter: Meter | None = None,
    embed: Embed | None = None,
) -> Verdict:
    """Asks one tier after the other and returns as soon as the winner cannot change.

    A voter that fails costs its ballots only; when none casts any, its error is raised. When
    `deadline_s` seconds have passed, the ballots cast so far decide. Raises NoAnswer when there
    are none by then. `embed` makes the vector of a text; it is called in a thread.
    """
    election = _Election(request, rule, progress, meter or Meter(), embed)
    try:
        async with asyncio.timeout(deadline_s):
            await election.run(tiers)
    except TimeoutError:
        election.late = True
        if not election.casts:
            raise NoAnswer(
                f"No worker finished within {deadline_s:g} seconds.",
                hint="Give a longer swarm.deadline_s or a smaller max_tokens.",
            ) from None
    finally:
        await election.close()
    if not election.casts and election.failures:
        raise election.failures[0]
    return election.verdict()


class _Election:
    """What has been asked and cast so far."""

    def __init__(
        self,
        request: ChatRequest,
        rule: Rule,
        progress: Callable[[Progress], None],
        meter: Meter,
        embed: Embed | None,
    ) -> None:
        self.request, self.rule, self.progress, self.meter = request, rule, progress, meter
        self.embed = embed
        self.casts: list[Cast] = []
        self.failures: list[Exception] = []
        self.late = False
        self._started = time.monotonic()
        self._poll = rule.poll(request.id)
        self._inbox: Inbox = asyncio.Queue()
        self._asked: list[tuple[Voter, int]] = []  # every voter of every tier begun so far
        self._cast_by: list[int] = []
        self._done: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._rounds: list[Round] = []
        self._absent: list[Absent] = []
        meter.on_grant = lambda: progress(Progress(len(self.casts), self._seats, meter.total))

    async def run(self, tiers: Sequence[Tier]) -> None:
        """Holds the vote; returns when it is over, decided or not."""
        waiting = list(tiers)
        while waiting:
            tier = waiting.pop(0)
            if tier.if_unsure and not self._needed(tier):
                continue
            begun = len(self._asked)
            self._begin(tier)
            try:
                if await self._collect(waiting):
                    break
            finally:
                self._close_round(tier, begun)

    def _needed(self, tier: Tier) -> bool:
        """Whether the ballots settle nothing; an engine that failed is not asked once more."""
        if self.casts:
            return unsure(self.verdict(), self.rule)
        tried = {voter.model for voter, _ in self._asked}
        return any(voter.model not in tried for voter, _ in tier.voters)

    def _begin(self, tier: Tier) -> None:
        request = tier.request or self.request
        for voter, seats in tier.voters:
            place = len(self._asked)
            self._asked.append((voter, seats))
            self._tasks.append(asyncio.create_task(self._pump(place, voter, request, seats)))
        if self.casts:
            self.progress(Progress(len(self.casts), self._seats, self.meter.total))

    async def _collect(self, to_come: Sequence[Tier]) -> bool:
        """Takes ballots until the winner is certain and convincing (True) or all have ended."""
        waves = [tier for tier in to_come if not tier.if_unsure]
        while len(self._done) < len(self._asked):
            place, item = await self._inbox.get()
            if item is None:  # what it has not cast by now it never will
                self._done.add(place)
                self.meter.granted[self._name(place)] = self._cast_by.count(place)
            elif isinstance(item, Exception):
                self.failures.append(item)
                self._absent.append(Absent(self._asked[place][0].name, str(item)))
            else:
                self.casts.append(item)
                self._cast_by.append(place)
                self.progress(Progress(len(self.casts), self._seats, self.meter.total))
            out = self._out() + sum(
                seats * self.rule.weight(voter.model)
                for tier in waves
                for voter, seats in tier.voters
            )
            if self.rule.early_stop and self.rule.strategy.settled(self.casts, out, self._poll):
                reserve = len(waves) < len(to_come)
                if not (reserve and unsure(self.verdict(), self.rule)):
                    return True
        return False

    def _close_round(self, tier: Tier, begun: int) -> None:
        asked = {voter.name: seats for voter, seats in self._asked[begun:]}
        so_far = self.verdict()
        leader = so_far.groups[0].key if so_far.groups else None
        self._rounds.append(Round(tier.name, asked, so_far.status, so_far.share, leader))

    def verdict(self) -> Verdict:
        """The verdict over what has been cast so far."""
        if self.failures and not self.meter.degraded:
            self.meter.degraded = str(self.failures[0])
        return decide(
            self.casts,
            self.rule,
            self.request.id,
            asked=self._seats,
            meter=self.meter,
            out=self._out(),
            seconds=time.monotonic() - self._started,
            absent=[*self._absent, *self._invalid(), *self._missing()],
            rounds=self._rounds,
        )

    async def close(self) -> None:
        """Stops whoever still works."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def _seats(self) -> int:
        return sum(seats for _, seats in self._asked)

    def _name(self, place: int) -> str:
        return self._asked[place][0].name

    def _out(self) -> float:
        """The weight of the ballots that may still be cast."""
        awaited = 0.0
        for place, (voter, seats) in enumerate(self._asked):
            granted = self.meter.granted.get(voter.name, seats)
            if place not in self._done:
                seats = max(0, granted - self._cast_by.count(place))
                awaited += seats * self.rule.weight(voter.model)
        return awaited

    def _invalid(self) -> list[Absent]:
        return [
            Absent(cast.ballot.voter, why_invalid(cast.ballot))
            for cast in self.casts
            if cast.key is None
        ]

    def _missing(self) -> list[Absent]:
        """Voters that were still at work when the deadline came."""
        if not self.late:
            return []
        return [
            Absent(voter.name, "not finished by the deadline")
            for place, (voter, _) in enumerate(self._asked)
            if place not in self._done
        ]

    async def _pump(self, place: int, voter: Voter, request: ChatRequest, seats: int) -> None:
        try:
            async with aclosing(voter.vote(request, seats, self.meter)) as stream:  # type: ignore[type-var]
                async for ballot in stream:
                    self._inbox.put_nowait((place, await self._cast(ballot)))
        except Exception as error:  # handed on: hold() raises it when nobody else can answer
            self._inbox.put_nowait((place, error))
        finally:
            self._inbox.put_nowait((place, None))

    async def _cast(self, ballot: Ballot) -> Cast:
        cast = Cast(ballot, key_of(self.rule.asked, ballot), self.rule.weight(ballot.model))
        if self.embed is None or cast.key is None or ballot.answer.tool_calls:
            return cast
        return replace(cast, vector=await asyncio.to_thread(self.embed, ballot.answer.text))
