"""The swarm of one machine: answers a request by a vote, or live from one seat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from ..backends.base import Engine
from ..ballot import Answer, Meter, Status, Verdict
from ..chat import ChatRequest, Delta, Done, Event, Progress
from ..errors import EngineError
from . import live
from .canonical import asked_of
from .decision import Rule
from .election import Tier, hold
from .strategies import named
from .voter import EngineVoter

_DRAFT = "Draft of one worker, before the vote:\n"
_SAME = "temperature 0: all seats would say the same, so one was asked"

# Further voters for a request that the first ones could not settle: peers, another model.
Reserves = Callable[[ChatRequest, int], Sequence[Tier]]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a request says nothing.

    `accuracy` has, per kind of answer, the measured accuracy (0 to 1) of the models.
    """

    seats: int
    strategy: str = "auto"
    waves: bool = False
    escalate: bool = True
    accuracy: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Swarm:
    """A Responder over one engine."""

    def __init__(
        self, engine: Engine, defaults: Defaults, reserves: Reserves = lambda request, seats: ()
    ) -> None:
        self._engine = engine
        self._defaults = defaults
        self._reserves = reserves

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond. One seat streams live; several vote first."""
        seats = request.swarm.seats or self._defaults.seats
        rule = self._rule(request)
        greedy = seats > 1 and request.sampling.get("temperature") == 0
        if seats == 1 or greedy:
            events = live.answer(self._engine, request, rule, _SAME if greedy else None)
        else:
            events = self._vote(request, seats, rule)
        async with aclosing(events):
            async for event in events:
                yield event

    def _rule(self, request: ChatRequest) -> Rule:
        asked = asked_of(request)
        name, strategy = named(request.swarm.strategy or self._defaults.strategy, asked.kind)
        return Rule(
            name,
            strategy,
            asked,
            # The fastest answer is the first one, whatever else was asked.
            early_stop=request.swarm.early_stop or name == "fastest",
            epsilon=request.swarm.epsilon,
        )

    def _tiers(self, request: ChatRequest, seats: int) -> list[Tier]:
        """The vote itself, in one wave or two, and who is asked when it settles nothing."""
        first = seats
        if self._default(request.swarm.waves, self._defaults.waves) and seats > 3:
            first = (seats + 1) // 2 + 1
        tiers = [Tier([(EngineVoter(self._engine), first)])]
        if first < seats:
            rest = EngineVoter(self._engine, first=first)
            tiers.append(Tier([(rest, seats - first)], "second wave"))
        if self._default(request.swarm.escalate, self._defaults.escalate):
            tiers += self._reserves(request, seats)
            more = EngineVoter(self._engine, first=seats)
            tiers.append(Tier([(more, seats)], "more seats", if_unsure=True))
        return tiers[: 3 if first < seats else 2]

    @staticmethod
    def _default(asked: bool | None, otherwise: bool) -> bool:
        return otherwise if asked is None else asked

    async def _vote(self, request: ChatRequest, seats: int, rule: Rule) -> AsyncGenerator[Event]:
        news: asyncio.Queue[Progress | str | None] = asyncio.Queue()
        meter = Meter()
        if request.swarm.draft:
            draft_of = EngineVoter(self._engine).name

            def on_words(voter: str, seat: int, text: str) -> None:
                if (voter, seat) == (draft_of, 0):
                    news.put_nowait(text)

            meter.on_words = on_words
        tiers = self._tiers(request, seats)
        election = asyncio.create_task(
            hold(tiers, request, rule, request.swarm.deadline_s, news.put_nowait, meter)
        )
        election.add_done_callback(lambda _: news.put_nowait(None))
        drafted = False
        try:
            while (item := await news.get()) is not None:
                if isinstance(item, Progress):
                    yield item
                else:
                    yield Delta(Answer(reasoning=item if drafted else _DRAFT + item))
                    drafted = True
            verdict = await election
        finally:
            election.cancel()
            await asyncio.gather(election, return_exceptions=True)
        if verdict.winner is None:
            raise EngineError("No worker answered.", hint="Try again.")
        verdict = _in_words(verdict)
        assert verdict.winner is not None
        yield Delta(verdict.winner.answer)
        yield Done(verdict.winner.answer, verdict.winner.finish, verdict)


def _in_words(verdict: Verdict) -> Verdict:
    """A call that changes something and lacks its majority gives way to a worker who answered in
    words, where there is one. Where there is none the call is returned, marked `escalate`: who
    asked decides whether it is done (docs/decisions/0003)."""
    if verdict.status is not Status.ESCALATE:
        return verdict
    spoken = [
        ballot
        for at, ballot in enumerate(verdict.ballots)
        if at in verdict.keys and not ballot.answer.tool_calls
    ]
    if not spoken:
        return verdict
    best = max(spoken, key=lambda ballot: (ballot.confidence or 0.0, ballot.answer.text))
    return replace(verdict, winner=best)
