"""Who agrees with whom: a pure function of what the programs did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from .examples import Example

Observed = Sequence[tuple[str, str]]  # per example: ("value", shown) or ("raised", type)


@dataclass(frozen=True, slots=True)
class Behaviours:
    """One entry a candidate, in their order.

    `keys` are equal for equal behaviour; None abstains (no program, a stub, nothing but errors,
    fewer of the question's own examples met than another meets). `scores` (0 to 1) are the mean
    agreement with the other candidates over the inputs: the soft functional vote. `met` counts the
    question's own examples that came out right. `inputs` says on how many inputs they were run.
    """

    keys: tuple[str | None, ...]
    scores: tuple[float, ...]
    met: tuple[int, ...]
    inputs: int

    @property
    def best(self) -> int | None:
        """The candidate to show: most examples met, then the soft vote, then the first."""
        able = [at for at, key in enumerate(self.keys) if key]
        return max(able, key=lambda at: (self.met[at], self.scores[at], -at), default=None)


def judge(examples: Sequence[Example], own: int, observed: Sequence[Observed | None]) -> Behaviours:
    """Scores candidates by what each did on every example.

    The first `own` examples are the question's; the others' values, where told, were claimed by a
    candidate's asserts and count as one more voice on that input (CodeT, 2207.10397). `observed`
    has None for candidates that did not run.
    """
    met = tuple(
        sum(_meets(examples[at], did[at]) for at in range(own)) if did else 0 for did in observed
    )
    works = [did if did and any(kind == "value" for kind, _ in did) else None for did in observed]
    most = max((count for count, did in zip(met, works, strict=True) if did), default=0)
    keys = tuple(
        _key(did) if did and count == most else None for did, count in zip(works, met, strict=True)
    )
    voices: list[list[tuple[str, str]]] = [
        [did[at] for did in works if did] for at in range(len(examples))
    ]
    for at, example in enumerate(examples):
        if at >= own and example.shown is not None:
            voices[at].append(("value", example.shown))
    scores = tuple(_agreement(did, voices) if did else 0.0 for did in works)
    return Behaviours(keys, scores, met, len(examples))


def _meets(example: Example, did: tuple[str, str]) -> bool:
    return example.shown is not None and did == ("value", example.shown)


def _agreement(did: Observed, voices: Sequence[Sequence[tuple[str, str]]]) -> float:
    """The mean over the inputs of the part of the *other* voices that say the same."""
    parts = [
        (said.count(mine) - 1) / (len(said) - 1)
        for mine, said in zip(did, voices, strict=True)
        if len(said) > 1 and mine[0] == "value"
    ]
    return sum(parts) / len(voices) if voices else 0.0


def _key(did: Observed) -> str:
    text = json.dumps([list(each) for each in did])
    return "runs:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
