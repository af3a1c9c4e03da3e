"""Counts ballots into groups of equal answers, in the order of the tie chain. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..ballot import Ballot


@dataclass(slots=True)
class Heap:
    """The ballots that share a key. `weight` counts 1 for each ballot that counts."""

    key: str
    ballots: list[Ballot] = field(default_factory=list)
    weight: float = 0.0

    @property
    def is_call(self) -> bool:
        """Whether this group proposes tool calls."""
        return self.key.startswith("tool_call:")


def count(ballots: Sequence[Ballot], keys: Sequence[str | None], request_id: str) -> list[Heap]:
    """Groups of the valid ballots, the winner's first.

    Tie chain: weight, distinct machines, distinct models, summed confidence, then a hash of
    request and key. Neither the order of arrival nor any length takes part.
    Identical bytes from the same model and the same seed weigh once.
    """
    heaps: dict[str, Heap] = {}
    seen: set[tuple[object, ...]] = set()
    for ballot, key in zip(ballots, keys, strict=True):
        if key is None:
            continue
        heap = heaps.setdefault(key, Heap(key))
        heap.ballots.append(ballot)
        if ballot.seed is not None:
            copy = (ballot.model, ballot.seed, ballot.answer.text, _calls(ballot))
            if copy in seen:
                continue
            seen.add(copy)
        heap.weight += 1.0
    ordered = sorted(heaps.values(), key=lambda heap: _rank(heap, request_id), reverse=True)
    return [heap for side in by_nature(ordered) for heap in side]


def by_nature(heaps: Sequence[Heap]) -> list[list[Heap]]:
    """`heaps` split into words and tool calls, the heavier side first, each in its order."""
    sides = [[h for h in heaps if not h.is_call], [h for h in heaps if h.is_call]]
    first = heaps[0].is_call if heaps else False
    filled = [side for side in sides if side]
    # Of two equal sides the one with the better group is first.
    filled.sort(key=lambda side: (sum(h.weight for h in side), side[0].is_call == first))
    return filled[::-1]


def spokesman(heap: Heap, request_id: str) -> Ballot:
    """The ballot whose text stands for the group: the most confident one."""
    return max(
        heap.ballots,
        key=lambda b: (b.confidence or 0.0, _hash(request_id, b.answer.text + str(_calls(b)))),
    )


def confidence(heap: Heap) -> float | None:
    """Mean confidence of the group's ballots that have one."""
    known = [ballot.confidence for ballot in heap.ballots if ballot.confidence is not None]
    return math.fsum(known) / len(known) if known else None


def strength(heap: Heap) -> tuple[float, int, int, float]:
    """What decides between groups before the hash does."""
    machines = {ballot.machine for ballot in heap.ballots}
    models = {ballot.model for ballot in heap.ballots}
    total = math.fsum(ballot.confidence or 0.0 for ballot in heap.ballots)
    return heap.weight, len(machines), len(models), round(total, 9)


def _rank(heap: Heap, request_id: str) -> tuple[tuple[float, int, int, float], str]:
    return strength(heap), _hash(request_id, heap.key)


def _calls(ballot: Ballot) -> tuple[tuple[str, str], ...]:
    return tuple((call.name, call.arguments) for call in ballot.answer.tool_calls)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
