"""The soundest answer: it parses, is complete, follows the schema, does not loop; equals are
decided by confidence. Good for code and structures that no two workers write alike; it does not
know which of two sound answers is right. Length and markdown take no part: on published samples
the longest answer loses to a vote everywhere, and to a single worker on code."""

from __future__ import annotations

from collections.abc import Sequence

from ..soundness import score
from ..tally import Cast, Heap, standardised, tiebreak
from ..weights import Out
from . import majority
from .base import Poll


def heaps(casts: Sequence[Cast], poll: Poll) -> list[Heap]:
    """Groups of equal answers, the one with the soundest ballot first; refusals last."""
    found = majority.heaps(casts, poll)
    confident = standardised([cast for cast in casts if cast.key])
    order: dict[str, tuple[bool, float, float, float, tuple[str, str]]] = {}
    for heap in found:
        ranked = [
            (
                round(score(cast.ballot, poll.asked), 6),
                round(confident.get(id(cast), 0.0), 6),
                tiebreak(cast.ballot, poll.request_id),
                at,
            )
            for at, cast in enumerate(heap.casts)
        ]
        best = max(ranked)
        heap.medoid = heap.casts[best[3]].ballot
        # Where nothing tells two answers apart, the one that more workers gave is the better bet.
        order[heap.key] = (not heap.is_refusal, *best[:2], heap.weight, best[2])
    return sorted(found, key=lambda heap: order[heap.key], reverse=True)


def settled(casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
    """Never early: the next answer may be sounder."""
    return False
