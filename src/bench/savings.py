"""What stopping early saves, replayed over stored ballots with the engine's own rule. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ..ballot import Meter
from ..swarm.decision import Rule, decide
from ..swarm.tally import Cast
from .scoring import DEAR, Scored, embedded, rule_of


@dataclass(frozen=True, slots=True)
class Savings:
    """Parts (0 to 1) of what a vote without stopping takes.

    Side by side: `tokens` of all seats, and `wall` time, each ballot arriving when its seat has
    written its tokens (`by_seconds`: at its measured time); `wall` is of the sum of all votes'
    times, `wall_of_a_vote` the mean of the parts. One after the other: `samples` not asked, and
    their tokens `row_tokens`. `changed` counts votes with another winner: it must be 0.
    """

    tokens: float
    wall: float
    wall_of_a_vote: float
    samples: float
    row_tokens: float
    votes: int
    changed: int


def savings(
    questions: Sequence[Scored],
    strategy: str,
    size: int,
    *,
    draws: int,
    by_seconds: bool = False,
) -> Savings:
    """Stops votes of `size` random ballots, `draws` a question (fewer of meanings)."""
    used = dict.fromkeys(("tokens", "all", "wall", "whole wall", "parts", "samples", "row"), 0.0)
    votes = changed = 0
    for of in questions:
        random = Random(f"{of.id} {size} stop")
        whole, rule = size >= len(of.casts), rule_of(of.asked, strategy)
        every = embedded(of.casts, rule)
        votes_of = min(draws, DEAR // 3) if rule.name == "similarity" else draws
        for draw in range(1 if whole else votes_of):
            casts, name = random.sample(every, min(size, len(every))), f"{of.id} {draw}"
            took = {id(c): c.ballot.seconds if by_seconds else c.ballot.tokens for c in casts}
            arriving = sorted(casts, key=lambda cast: took[id(cast)])
            seen = stop(arriving, rule, name)
            end, last = took[id(arriving[seen - 1])], took[id(arriving[-1])]
            used["tokens"] += math.fsum(min(took[id(cast)], end) for cast in casts)
            used["all"] += math.fsum(took.values())
            used["wall"] += end
            used["whole wall"] += last
            used["parts"] += end / last if last else 1.0
            in_a_row = stop(casts, rule, name)
            used["samples"] += in_a_row / len(casts)
            used["row"] += math.fsum(took[id(cast)] for cast in casts[:in_a_row])
            votes += 1
            changed += not _same(arriving[:seen], casts, rule, name)
    return Savings(
        tokens=1 - used["tokens"] / max(used["all"], 1e-9),
        wall=1 - used["wall"] / max(used["whole wall"], 1e-9),
        wall_of_a_vote=1 - used["parts"] / max(votes, 1),
        samples=1 - used["samples"] / max(votes, 1),
        row_tokens=1 - used["row"] / max(used["all"], 1e-9),
        votes=votes,
        changed=changed,
    )


def stop(arriving: Sequence[Cast], rule: Rule, request_id: str) -> int:
    """How many ballots, in this order, decide the vote."""
    poll = rule.poll(request_id)
    for seen in range(1, len(arriving)):
        if rule.strategy.settled(arriving[:seen], float(len(arriving) - seen), poll):
            return seen
    return len(arriving)


def _same(some: Sequence[Cast], every: Sequence[Cast], rule: Rule, name: str) -> bool:
    """Whether the winning groups of both share an answer."""
    if len(some) == len(every):
        return True
    first, second = _top(some, rule, name), _top(every, rule, name)
    return first == second or bool(first & second)


def _top(casts: Sequence[Cast], rule: Rule, name: str) -> set[str]:
    """The keys of the ballots in the winning group."""
    verdict = decide(casts, rule, name, asked=len(casts), meter=Meter())
    top = verdict.groups[0].key if verdict.groups else None
    return {c.key.value for at, c in enumerate(casts) if c.key and verdict.keys.get(at) == top}
