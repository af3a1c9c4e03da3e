"""The swarm of one machine: answers a request by a vote, or live from one seat."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..backends.base import Engine
from ..ballot import Answer, Ballot, Meter, Status, Verdict
from ..chat import ChatRequest, Delta, Done, Event, Progress
from ..errors import ContextOverflow, EngineError, EngineUnavailable
from . import live
from .beside import beside
from .canonical import asked_of
from .decision import Rule
from .election import Tier, hold
from .extras import Allies, Defaults, Extras, by_behaviour
from .strategies import named
from .team import Member, Team
from .weights import of_models

__all__ = ["Allies", "Defaults", "Extras", "Swarm"]

_DRAFT = "Draft of one worker, before the vote:\n"
_LEAST_GREEDY = 3  # unlike models: of two greedy answers none outvotes the other
_SAME = "temperature 0: all seats would say the same, so one was asked"


class Swarm:
    """A Responder over one engine, or over a team of several."""

    def __init__(
        self, team: Team | Engine, defaults: Defaults, extras: Extras | None = None
    ) -> None:
        self._team = team if isinstance(team, Team) else Team([Member(team, defaults.seats)])
        self._defaults = defaults
        self._extras = extras or Extras()

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond. One seat streams live; several vote first.

        A request that names one of several models is answered by its seats alone.
        """
        team = self._team.only(request.model)
        seats = request.swarm.seats or (self._defaults.seats if team is self._team else team.seats)
        rule = self._rule(request)
        greedy = seats > 1 and request.sampling.get("temperature") == 0
        if greedy and len(team.models) >= _LEAST_GREEDY:
            team = team.one_each()
            seats, greedy = team.seats, False
        # One seat votes together with other machines; who asks for one seat wants no vote at all.
        allies = None if greedy else self._extras.allies(request, rule.name)
        if greedy or (seats == 1 and not (allies and allies.voters)):
            events = self._live(team, request, rule, _SAME if greedy else None)
        else:
            events = self._vote(team, request, seats, rule, allies)
        async with aclosing(events):
            async for event in events:
                yield event

    async def cast(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncGenerator[Ballot]:
        """The ballots of this machine's own seats, without a vote: what another machine asks for.

        Closing the iterator stops the seats. Raises SwarmError.
        """
        voters = self._team.only(request.model).voters(seats)
        async with aclosing(beside(voters, request, meter)) as ballots:
            async for ballot in ballots:
                yield ballot

    async def _live(
        self, team: Team, request: ChatRequest, rule: Rule, degraded: str | None
    ) -> AsyncGenerator[Event]:
        """One seat; where its engine is dead, or too small for the prompt, of the next one."""
        *others, last = team.in_turn(self._accuracy(rule))
        for engine in others:
            sent = False
            try:
                async with aclosing(live.answer(engine, request, rule, degraded)) as events:
                    async for event in events:
                        sent = sent or not isinstance(event, Progress)
                        yield event
                return
            except (EngineUnavailable, ContextOverflow) as fault:
                if sent:
                    raise
                degraded = f"{engine.model}: {fault}"
        async with aclosing(live.answer(last, request, rule, degraded)) as events:
            async for event in events:
                yield event

    def _accuracy(self, rule: Rule) -> Mapping[str, float]:
        """What was measured of the models on questions of this kind."""
        kind = "tool_call" if rule.asked.tools else rule.asked.kind.value
        return self._defaults.accuracy.get(kind, {})

    def _rule(self, request: ChatRequest) -> Rule:
        asked = asked_of(request)
        name, strategy = named(request.swarm.strategy or self._defaults.strategy, asked.kind)
        runs = by_behaviour(self._extras.behave, asked) is not None
        sure = request.swarm.by_confidence and name in ("majority", "similarity")
        return Rule(
            name,
            strategy,
            asked,
            # The fastest answer is the first one, whatever else was asked.
            early_stop=(request.swarm.early_stop and not runs and not sure) or name == "fastest",
            epsilon=request.swarm.epsilon,
            threshold=self._extras.threshold,
            by_confidence=sure,
        )

    def _weighted(self, rule: Rule, tiers: Sequence[Tier]) -> Rule:
        """`rule` with the weights of all models that may be asked."""
        seats: Counter[str] = Counter()
        for tier in tiers:
            for voter, count in tier.everybody:
                seats[voter.model or ""] += count
        return replace(rule, weights=of_models(self._accuracy(rule), seats))

    def _tiers(
        self, team: Team, request: ChatRequest, seats: int, allies: Allies | None
    ) -> list[Tier]:
        """The vote itself, in one wave or two, and who is asked when it settles nothing."""
        first = seats
        if self._default(request.swarm.waves, self._defaults.waves) and seats > 3:
            first = (seats + 1) // 2 + 1
        guests = allies.voters if allies else ()
        # Who asks for all ballots and says for how long gets all that come by then.
        patient = not request.swarm.early_stop and request.swarm.deadline_s is not None
        grace = allies.grace if allies and not patient else None
        tiers = [Tier(team.voters(first), guests=guests, grace=grace)]
        if first < seats:
            rest = team.voters(seats - first, after=first)
            tiers.append(Tier(rest, "second wave", grace=grace))
        if self._default(request.swarm.escalate, self._defaults.escalate):
            tiers += self._extras.reserves(request, seats)
            more = team.voters(seats, after=seats)
            tiers.append(Tier(more, "more seats", if_unsure=True))
        return tiers[: 3 if first < seats else 2]

    @staticmethod
    def _default(asked: bool | None, otherwise: bool) -> bool:
        return otherwise if asked is None else asked

    async def _vote(
        self, team: Team, request: ChatRequest, seats: int, rule: Rule, allies: Allies | None
    ) -> AsyncGenerator[Event]:
        news: asyncio.Queue[Progress | str | None] = asyncio.Queue()
        meter = Meter()
        tiers = self._tiers(team, request, seats, allies)
        if request.swarm.draft:
            draft_of = tiers[0].voters[0][0].name

            def on_words(voter: str, seat: int, text: str) -> None:
                if (voter, seat) == (draft_of, 0):
                    news.put_nowait(text)

            meter.on_words = on_words
        rule = replace(self._weighted(rule, tiers), caps=allies.caps if allies else None)
        election = asyncio.create_task(
            hold(
                tiers, request, rule, request.swarm.deadline_s, news.put_nowait, meter,
                embed=self._extras.embed if rule.name == "similarity" else None,
                regroup=by_behaviour(self._extras.behave, rule.asked),
            )
        )  # fmt: skip
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
        if allies:
            allies.told(verdict)
            verdict = replace(verdict, absent=(*verdict.absent, *allies.absent))
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
    for group in verdict.groups:  # the heaviest in words is the first of them
        spoken = [
            ballot
            for at, ballot in enumerate(verdict.ballots)
            if verdict.keys.get(at) == group.key and not ballot.answer.tool_calls
        ]
        if spoken:
            best = max(spoken, key=lambda ballot: (ballot.confidence or 0.0, ballot.answer.text))
            return replace(verdict, winner=best)
    return verdict
