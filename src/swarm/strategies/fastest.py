"""The first valid answer. A latency mode: measured, it is worse than one worker (the shortest
answer comes first), and gets worse with more workers."""

from __future__ import annotations

from collections.abc import Sequence

from ..canonical import REFUSAL
from ..tally import Cast, Heap, tiebreak
from ..weights import Out
from . import majority
from .base import Poll


def heaps(casts: Sequence[Cast], poll: Poll) -> list[Heap]:
    """Groups of equal answers, the one with the quickest ballot first; refusals last."""
    found = majority.heaps(casts, poll)
    for heap in found:
        heap.medoid = min(heap.ballots, key=lambda b: (b.seconds, tiebreak(b, poll.request_id)))
    return sorted(found, key=lambda h: (h.is_refusal, h.medoid.seconds if h.medoid else 0.0))


def settled(casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
    """At the first valid ballot that is no refusal; a call that changes something waits for all."""
    valid = [cast for cast in casts if cast.key and cast.key.value != REFUSAL]
    return bool(valid) and not majority.changes(valid, poll)
