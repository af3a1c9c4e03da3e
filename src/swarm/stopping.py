"""When the rest of the ballots cannot change the winner any more. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def decided(weights: Sequence[float], out: float) -> bool:
    """Exact rule: W1 - W2 > everything still out, and W1 > an answer nobody has given yet.

    `weights` are those of the groups, heaviest first; `out` is the weight not yet cast.
    """
    if not weights:
        return False
    second = weights[1] if len(weights) > 1 else 0.0
    return weights[0] - second > out
