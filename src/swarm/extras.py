"""What a swarm is given beyond its engine: defaults, and abilities that not every node has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..chat import ChatRequest
from .asking import Embed
from .canonical import Asked, Key, Kind
from .election import Regroup
from .tally import Cast
from .tiers import Tier

# Further voters for a request that the first ones could not settle: peers, another model.
Reserves = Callable[[ChatRequest, int], Sequence[Tier]]
# Question and answers in, what each answer's code does as a key out; None abstains.
Behave = Callable[[str, Sequence[str]], Awaitable[Sequence[str | None]]]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a swarm can be given beyond its engine.

    `embed` makes the vector of a text, and two texts whose vectors have at least the cosine
    `threshold` may mean the same. `behave` runs code.
    """

    reserves: Reserves = lambda request, seats: ()
    embed: Embed | None = None
    threshold: float = 1.0
    behave: Behave | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a request says nothing.

    `accuracy` has, per kind of answer, the measured accuracy (0 to 1) of the models.
    """

    seats: int
    strategy: str = "auto"
    waves: bool = False
    escalate: bool = True
    accuracy: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def by_behaviour(behave: Behave | None, asked: Asked) -> Regroup | None:
    """For code, where it may be run: groups the ballots by what the programs do."""
    if behave is None or asked.kind is not Kind.CODE:
        return None

    async def regroup(casts: list[Cast]) -> list[Cast]:
        told = [cast for cast in casts if cast.key and not cast.ballot.answer.tool_calls]
        keys = await behave(asked.question, [cast.ballot.answer.text for cast in told])
        if not any(keys):
            return casts  # no code that could be run: what was compared so far stands
        found = {id(cast): key for cast, key in zip(told, keys, strict=True)}
        return [_with_key(cast, found[id(cast)]) if id(cast) in found else cast for cast in casts]

    return regroup


def _with_key(cast: Cast, key: str | None) -> Cast:
    return replace(cast, key=Key(key) if key else None)
