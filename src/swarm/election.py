"""One election, used on one machine and across the LAN: ask all, count, stop, decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from ..ballot import Absent, Meter, Round, Verdict
from ..chat import ChatRequest, Progress
from ..errors import NoAnswer
from .asking import Asking, Embed, Failure
from .decision import Rule, decide, unsure
from .stopping import majority as more_than_half
from .tally import Cast
from .tiers import Tier, Voter, why_invalid
from .weights import Out

__all__ = ["Embed", "Regroup", "Rule", "Tier", "Voter", "hold"]

Regroup = Callable[[list[Cast]], Awaitable[list[Cast]]]


async def hold(
    tiers: Sequence[Tier],
    request: ChatRequest,
    rule: Rule,
    deadline_s: float | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    meter: Meter | None = None,
    embed: Embed | None = None,
    regroup: Regroup | None = None,
) -> Verdict:
    """Asks one tier after the other and returns as soon as the winner cannot change.

    A voter that fails costs its ballots only; when none casts any, its error is raised. When
    `deadline_s` seconds have passed, the ballots cast so far decide. Raises NoAnswer when there
    are none by then. Guests of a tier never make the answer fail, nor come later than the tier's
    grace after its voters. `embed` makes the vector of a text. `regroup` may give the ballots other
    keys before each round is counted (code is grouped by what it does, say).
    """
    election = _Election(request, rule, progress, meter or Meter(), embed, regroup)
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
        await election.asking.close()
    if not election.casts and election.failures:
        raise election.failures[0]
    return election.verdict()


class _Election:
    """What has been cast so far, and in which rounds."""

    def __init__(
        self,
        request: ChatRequest,
        rule: Rule,
        progress: Callable[[Progress], None],
        meter: Meter,
        embed: Embed | None,
        regroup: Regroup | None,
    ) -> None:
        self._regroup, self._read = regroup, list[Cast]()
        self.casts: list[Cast] = []
        self.failures: list[Exception] = []
        self.late = False
        self.asking = Asking(request, rule, meter, embed)
        self._request, self._rule, self._meter = request, rule, meter
        self._progress = progress
        self._started = time.monotonic()
        self._poll = rule.poll(request.id)
        self._rounds: list[Round] = []
        self._absent: list[Absent] = []
        self._grace: Callable[[float], float] | None = None
        self._home_s: float | None = None  # when nobody but guests was at work any more
        meter.on_grant = self._report

    async def run(self, tiers: Sequence[Tier]) -> None:
        """Holds the vote; returns when it is over, decided or not."""
        waiting = list(tiers)
        while waiting:
            tier = waiting.pop(0)
            if tier.if_unsure and not self._needed(tier):
                continue
            self.asking.begin(tier)
            self._grace = tier.grace
            if self.casts:
                self._report()
            try:
                over = await self._collect(waiting)
                await self._regrouped()
                if over:
                    break
            finally:
                self._close_round(tier)

    async def _regrouped(self) -> None:
        """Gives all ballots so far their other keys; always from those that they were read with,
        because a later ballot may tell more about the earlier ones."""
        if self._regroup is not None:
            self.casts = await self._regroup(list(self._read))

    def _needed(self, tier: Tier) -> bool:
        """Whether the ballots settle nothing; an engine that failed is not asked once more."""
        if self.casts:
            return unsure(self.verdict(), self._rule)
        return any(not self.asking.tried(voter.model) for voter, _ in tier.voters)

    async def _collect(self, to_come: Sequence[Tier]) -> bool:
        """Takes ballots until the winner is certain and convincing (True) or all have ended."""
        waves = [tier for tier in to_come if not tier.if_unsure]
        while not self.asking.over and not (waves and self.asking.only_guests):
            try:
                async with asyncio.timeout(self._patience()):
                    item = await self.asking.next()
            except TimeoutError:
                self._absent += self.asking.dismiss()
                break
            if isinstance(item, Cast):
                self.casts.append(item)
                self._read.append(item)
                self._report()
            elif isinstance(item, Failure):
                if not item.guest:
                    self.failures.append(item.error)
                self._absent.append(Absent(item.voter.name, str(item.error)))
            out = self.asking.out(waves)
            last = len(waves) == len(to_come)
            if self._settled(out) and (last or self._convincing(out)):
                return True
        return False

    def _patience(self) -> float | None:
        """For how many seconds the guests are still waited for; None for as long as it takes."""
        asking = self.asking
        if self._grace is None or not asking.only_guests or not asking.home_cast:
            self._home_s = None
            return None
        now = time.monotonic() - self._started
        if self._home_s is None:
            self._home_s = now
        return max(0.0, self._home_s + self._grace(self._home_s) - now)

    def _settled(self, out: Out) -> bool:
        rule = self._rule
        return rule.early_stop and rule.strategy.settled(self.casts, out, self._poll)

    def _convincing(self, out: Out) -> bool:
        """Whether nobody will have to be asked once more, whatever is still cast."""
        if unsure(self.verdict(), self._rule):
            return False
        certain = more_than_half(self.casts, out, self._rule.caps) is not None
        return certain or not self._rule.one_answer

    def _close_round(self, tier: Tier) -> None:
        asked = {voter.name: seats for voter, seats in tier.everybody}
        so_far = self.verdict()
        leader = so_far.groups[0].key if so_far.groups else None
        self._rounds.append(Round(tier.name, asked, so_far.status, so_far.share, leader))

    def verdict(self) -> Verdict:
        """The verdict over what has been cast so far."""
        if self.failures and not self._meter.degraded:
            self._meter.degraded = str(self.failures[0])
        invalid = [
            Absent(cast.ballot.voter, why_invalid(cast.ballot))
            for cast in self.casts
            if cast.key is None
        ]
        return decide(
            self.casts,
            self._rule,
            self._request.id,
            asked=self.asking.seats,
            meter=self._meter,
            out=self.asking.out(),
            seconds=time.monotonic() - self._started,
            absent=[*self._absent, *invalid, *(self.asking.missing() if self.late else ())],
            rounds=self._rounds,
        )

    def _report(self) -> None:
        self._progress(Progress(len(self.casts), self.asking.seats, self._meter.total))
