"""Canonical plurality: the answer that most workers gave. Good for anything with one right
answer; of little use where every good answer is worded in its own way."""

from __future__ import annotations

from collections.abc import Sequence

from ..stopping import decided
from ..tally import Heap, by_nature


def settled(groups: Sequence[Heap], out: int) -> bool:
    """Decided both between words and tool calls, and inside the winning side."""
    sides = by_nature(groups)
    if not sides or not decided([sum(h.weight for h in side) for side in sides], out):
        return False
    return decided([heap.weight for heap in sides[0]], out)
