"""What a strategy is. It does no I/O and reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..canonical import Asked
from ..tally import Cast, Heap
from ..weights import Caps, Out


@dataclass(frozen=True, slots=True)
class Poll:
    """What one election is about, as the strategies see it.

    `threshold` is the least cosine of two texts that say the same, for the embeddings in use;
    `epsilon` the accepted chance (0 to 1) that stopping early changes the winner, 0 for never.
    """

    request_id: str
    asked: Asked
    caps: Caps | None = None
    threshold: float = 1.0
    epsilon: float = 0.0


class Strategy(Protocol):
    """Puts ballots into groups, and says when no more are needed."""

    def heaps(self, casts: Sequence[Cast], poll: Poll) -> list[Heap]:
        """The groups of the valid ballots, the winner's first. Independent of the order."""
        ...

    def settled(self, casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
        """Whether the winning group is certain while ballots of the weight `out` are awaited."""
        ...
