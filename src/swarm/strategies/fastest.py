"""The first valid answer. A latency mode: measured, it is worse than one worker (the shortest
answer comes first), and gets worse with more workers."""

from __future__ import annotations

from collections.abc import Sequence

from ..tally import Heap


def settled(groups: Sequence[Heap], out: int) -> bool:
    """At the first valid ballot."""
    return bool(groups)
