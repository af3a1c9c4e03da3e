"""Ballots weighed by how sure their worker was. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from .tally import Cast, originals, standardised

_MOST = 4.0


def by_confidence(casts: Sequence[Cast]) -> list[Cast]:
    """`casts` with their weights times e^z, from 1/4 to 4, for the confidence z of each ballot,
    standardised over the valid ballots of its model: models are not comparable.

    Where one of the answers calls a tool, nothing changes: what acts is decided by heads.
    """
    valid = [cast for cast in casts if cast.key]
    if any(cast.ballot.answer.tool_calls for cast in valid):
        return list(casts)
    scores = standardised(originals(valid))
    factors = (math.exp(scores.get(id(cast), 0.0)) for cast in casts)
    return [
        replace(cast, weight=cast.weight * min(_MOST, max(1 / _MOST, factor)))
        for cast, factor in zip(casts, factors, strict=True)
    ]
