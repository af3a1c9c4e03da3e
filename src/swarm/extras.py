"""What a swarm is given beyond its engine: defaults, and abilities that not every node has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..ballot import Absent, Verdict
from ..chat import ChatRequest
from .asking import Embed
from .canonical import Asked, Key, Kind
from .election import Regroup
from .execution import Behaviours
from .tally import Cast
from .tiers import Tier, Voter
from .weights import Caps

# Further voters for a request that the first ones could not settle: peers, another model.
Reserves = Callable[[ChatRequest, int], Sequence[Tier]]


@dataclass(frozen=True, slots=True)
class Allies:
    """Other machines that vote on a request together with this one.

    `voters` are asked beside the engine's seats, each for so many; `caps` is what they may weigh,
    None for no caps; `grace` turns the seconds that home took into those that they get beyond.
    `told` hears the verdict. `absent` could vote, and were not asked: the verdict tells why. There
    may be nobody else.
    """

    voters: Sequence[tuple[Voter, int]]
    caps: Caps | None
    grace: Callable[[float], float]
    told: Callable[[Verdict], None]
    absent: Sequence[Absent] = ()


# Question and answers in; what the program in each answer does out.
Behave = Callable[[str, Sequence[str]], Awaitable[Behaviours]]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a swarm can be given beyond its engine.

    `allies` are other machines for a request and the strategy that decides it, or None.
    `embed` makes the vector of a text, and two texts whose vectors have at least the cosine
    `threshold` may mean the same. `behave` runs code.
    """

    reserves: Reserves = lambda request, seats: ()
    allies: Callable[[ChatRequest, str], Allies | None] = lambda request, strategy: None
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
    """For code, where it may be run: groups the ballots by what the programs do; of equal groups
    the one that agrees most with all others on single inputs is first (soft functional vote)."""
    if behave is None or asked.kind is not Kind.CODE:
        return None

    async def regroup(casts: list[Cast]) -> list[Cast]:
        told = [cast for cast in casts if cast.key and not cast.ballot.answer.tool_calls]
        ran = await behave(asked.question, [cast.ballot.answer.text for cast in told])
        if not any(ran.keys):
            return casts  # no code that could be run: what was compared so far stands
        found = {
            id(cast): replace(cast, key=Key(key) if key else None, score=score)
            for cast, key, score in zip(told, ran.keys, ran.scores, strict=True)
        }
        return [found.get(id(cast), cast) for cast in casts]

    return regroup
