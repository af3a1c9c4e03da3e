"""The figures of a measured vote, in per cent and points, each with its 95 % interval. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..swarm.strategies import AUTO, NAMES
from .intervals import Interval, bootstrap, paired
from .savings import savings
from .scoring import SUBSETS, Scored, accuracy

STRATEGIES = tuple(name for name in NAMES if name != AUTO)
_STOPS = 20  # votes a question


def figures(of: Sequence[Scored], sizes: Sequence[int], subsets: int = SUBSETS) -> dict[str, Any]:
    """All about the questions `of`: one greedy answer, one sample, votes of `sizes` ballots by the
    strategy that a node takes by itself, and by each strategy at the size nearest to 9."""
    greedy = [float(one.greedy_right) for one in of]
    single = [accuracy(one, AUTO, 1) for one in of]
    votes = {n: [accuracy(one, AUTO, n, subsets=subsets) for one in of] for n in sizes}
    size = min(sizes, key=lambda n: (abs(n - 9), n))
    named = {
        name: [accuracy(one, name, size, subsets=subsets) for one in of] for name in STRATEGIES
    }
    seated = [accuracy(one, AUTO, size, subsets=subsets, greedy_seat=True) for one in of]
    sure = [accuracy(one, AUTO, size, subsets=subsets // 4, by_confidence=True) for one in of]
    saved = savings(of, AUTO, size, draws=_STOPS, by_seconds=True)
    return {
        "questions": len(of),
        "greedy": points(bootstrap(greedy)),
        "one sample": points(bootstrap(single)),
        "votes": {str(n): points(bootstrap(values)) for n, values in votes.items()},
        "gain": {str(n): points(paired(values, single)) for n, values in votes.items()},
        "against greedy": {str(n): points(paired(values, greedy)) for n, values in votes.items()},
        "size": size,
        "strategies": {name: points(bootstrap(values)) for name, values in named.items()},
        "greedy seat": points(bootstrap(seated)),
        "greedy seat against greedy": points(paired(seated, greedy)),
        "by confidence": points(bootstrap(sure)),
        "by confidence against a sample": points(paired(sure, single)),
        "by confidence against greedy": points(paired(sure, greedy)),
        "tokens": {
            "greedy": round(mean([one.greedy.ballot.tokens for one in of if one.greedy]), 1),
            "sample": round(mean([c.ballot.tokens for one in of for c in one.casts]), 1),
        },
        "stopping": {
            "time": round(100 * saved.wall, 1),
            "time of a vote": round(100 * saved.wall_of_a_vote, 1),
            "tokens": round(100 * saved.tokens, 1),
            "other winners": saved.changed,
            "votes": saved.votes,
        },
    }


def by_family(of: Sequence[Scored]) -> dict[str, list[Scored]]:
    """The questions by family, in the order of their first."""
    found: dict[str, list[Scored]] = {}
    for one in of:
        found.setdefault(one.family, []).append(one)
    return found


def loses(families: dict[str, dict[str, Any]]) -> list[str]:
    """The families in which every size of a vote is below one greedy answer on the mean."""
    return [
        name
        for name, one in families.items()
        if max(value[0] for value in one["against greedy"].values()) < 0
    ]


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 of none."""
    return sum(values) / len(values) if values else 0.0


def points(of: Interval) -> list[float]:
    """In per cent."""
    return [round(100 * value, 1) for value in of]


def shown(of: Sequence[float], *, sign: bool = False) -> str:
    """A figure with its interval."""
    form = "+.1f" if sign else ".1f"
    return f"{of[0]:{form}} [{of[1]:{form}}, {of[2]:{form}}]"
