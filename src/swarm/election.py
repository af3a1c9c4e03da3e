"""One election, used on one machine and across the LAN: ask all, count, stop, decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from ..ballot import Ballot, Group, Meter, Status, Verdict
from ..chat import ChatRequest, Progress
from ..errors import NoAnswer
from .canonical import Kind, key_of
from .strategies import Strategy
from .tally import Heap, by_nature, confidence, count, spokesman

# (voter's name, its ballot, its failure, or None at its end)
Inbox = asyncio.Queue[tuple[str, Ballot | Exception | None]]


class Voter(Protocol):
    """Whoever casts ballots: an engine, a remote peer, a whole swarm."""

    @property
    def name(self) -> str: ...

    def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        """Casts up to `seats` ballots as they are finished, and keeps `meter` current.

        Closing the iterator stops the rest. Raises SwarmError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """How this election is decided."""

    name: str
    strategy: Strategy
    kind: Kind
    early_stop: bool = True


async def hold(
    voters: Sequence[tuple[Voter, int]],
    request: ChatRequest,
    rule: Rule,
    deadline_s: float | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Verdict:
    """Asks each voter for its seats at once and returns as soon as the winner cannot change.

    A voter that fails costs its ballots only; when none casts any, its error is raised. When
    `deadline_s` seconds have passed, the ballots cast so far decide. Raises NoAnswer when there
    are none by then.
    """
    started = time.monotonic()
    asked = sum(seats for _, seats in voters)
    meter = Meter(on_grant=lambda: progress(Progress(0, asked, 0)))
    inbox: Inbox = asyncio.Queue()
    tasks = [asyncio.create_task(_pump(v, request, n, meter, inbox)) for v, n in voters]
    ballots: list[Ballot] = []
    keys: list[str | None] = []
    cast_by: list[str] = []
    failures: list[Exception] = []
    voting = len(tasks)
    try:
        async with asyncio.timeout(deadline_s):
            while voting:
                voter, item = await inbox.get()
                if item is None:  # what it has not cast by now it never will
                    voting -= 1
                    meter.granted[voter] = sum(by == voter for by in cast_by)
                elif isinstance(item, Exception):
                    failures.append(item)
                else:
                    ballots.append(item)
                    cast_by.append(voter)
                    keys.append(key_of(rule.kind, request, item))
                    progress(Progress(len(ballots), asked, meter.total))
                out = _granted(voters, meter) - len(ballots)
                groups = count(ballots, keys, request.id)
                if rule.early_stop and rule.strategy.settled(groups, out):
                    break
    except TimeoutError:
        if not ballots:
            raise NoAnswer(
                f"No worker finished within {deadline_s:g} seconds.",
                hint="Give a longer swarm.deadline_s or a smaller max_tokens.",
            ) from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not ballots and failures:
        raise failures[0]
    if failures and not meter.degraded:
        meter.degraded = str(failures[0])
    return decide(
        ballots, keys, request.id, rule.name,
        asked=asked, meter=meter, seconds=time.monotonic() - started,
    )  # fmt: skip


def decide(
    ballots: Sequence[Ballot],
    keys: Sequence[str | None],
    request_id: str,
    strategy: str,
    *,
    asked: int,
    meter: Meter,
    seconds: float = 0.0,
) -> Verdict:
    """The verdict over `ballots`. Pure, and independent of their order."""
    groups = count(ballots, keys, request_id)
    valid = sum(heap.weight for heap in groups)
    status = _status(groups, valid)
    if groups:
        winner: Ballot | None = spokesman(groups[0], request_id)
        if status is Status.NO_CONSENSUS:  # all differ: show the most confident one
            side = by_nature(groups)[0]
            winner = spokesman(Heap("", [spokesman(heap, request_id) for heap in side]), request_id)
    else:  # nothing valid: a truncated answer is still shown to who asked for it
        winner = spokesman(Heap("", list(ballots)), request_id) if ballots else None
    top = next((heap for heap in groups if winner in heap.ballots), None)
    granted = sum(meter.granted.values()) or asked
    return Verdict(
        winner=winner,
        status=status,
        strategy=strategy,
        share=round(top.weight / valid, 4) if top and valid else 0.0,
        confidence=confidence(top) if top else None,
        asked=asked,
        cast=len(ballots),
        cancelled=max(0, granted - len(ballots)),
        abstained=sum(key is None for key in keys),
        machines=len({ballot.machine for ballot in ballots}),
        groups=tuple(
            Group(h.key, len(h.ballots), h.weight, spokesman(h, request_id).answer.text)
            for h in groups
        ),
        ballots=tuple(ballots),
        keys={at: key for at, key in enumerate(keys) if key is not None},
        prompt_tokens=meter.prompt_tokens,
        total_tokens=meter.total,
        seconds=seconds,
        degraded=meter.degraded,
    )


def _status(groups: Sequence[Heap], valid: float) -> Status:
    if not groups:
        return Status.NO_ANSWER
    first = groups[0].weight
    if first > valid / 2:
        return Status.MAJORITY
    if all(heap.weight <= 1 for heap in groups):
        return Status.NO_CONSENSUS
    rivals = [heap for heap in groups[1:] if heap.weight == first]
    return Status.TIE if rivals else Status.PLURALITY


def _granted(voters: Sequence[tuple[Voter, int]], meter: Meter) -> int:
    return sum(meter.granted.get(voter.name, seats) for voter, seats in voters)


async def _pump(
    voter: Voter,
    request: ChatRequest,
    seats: int,
    meter: Meter,
    inbox: Inbox,
) -> None:
    try:
        async with aclosing(voter.vote(request, seats, meter)) as stream:  # type: ignore[type-var]
            async for ballot in stream:
                inbox.put_nowait((voter.name, ballot))
    except Exception as error:  # handed on: hold() raises it when nobody else can answer
        inbox.put_nowait((voter.name, error))
    finally:
        inbox.put_nowait((voter.name, None))
