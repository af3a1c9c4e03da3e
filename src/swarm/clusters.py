"""Which texts mean the same, and which of them is the most typical. Pure.

Independent of the order of the texts and of how they came over machines: both functions depend on
the set of texts alone (`medoid` on its order only where texts are equally typical).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from . import guards, lexicon

Vector = Sequence[float] | None


def cluster(
    texts: Sequence[str], vectors: Sequence[Vector], keys: Sequence[str], threshold: float
) -> list[int]:
    """A label for each text, counted from 0 in order of appearance.

    Texts with equal `keys` always share one. Others do when none of them contradicts another
    (see guards) and their mean cosine is at least `threshold`: average linkage, from the most
    alike pair on. A text without vector (None) is compared by its key only.
    """
    first = _representatives(texts, keys)
    names = sorted(first, key=lambda key: _digest(texts[first[key]], key))
    groups = _linked(
        [texts[first[n]] for n in names], [vectors[first[n]] for n in names], threshold
    )
    group_of = {names[at]: number for number, group in enumerate(groups) for at in group}
    label: dict[int, int] = {}
    return [label.setdefault(group_of[key], len(label)) for key in keys]


def medoid(texts: Sequence[str], vectors: Sequence[Vector]) -> int:
    """The index of the text most like the others; of equally typical ones the first.

    Likeness is the cosine, or without vectors the F-measure of the words: neither grows with
    length. Raises ValueError when there are no texts.
    """
    if not texts:
        raise ValueError("no texts")
    known = [vector for vector in vectors if vector is not None]
    if len(known) == len(texts):
        likeness = [[cosine(a, b) for b in known] for a in known]
    else:
        bags = [Counter(lexicon.content(lexicon.plain(text))) for text in texts]
        likeness = [[_f_measure(a, b) for b in bags] for a in bags]
    typical = [round(math.fsum(row), 9) for row in likeness]
    return typical.index(max(typical))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors of length 1."""
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def _representatives(texts: Sequence[str], keys: Sequence[str]) -> dict[str, int]:
    """For each key the index of one text, whatever the order: the one with the least hash."""
    first: dict[str, int] = {}
    for at, key in enumerate(keys):
        if key not in first or _digest(texts[at]) < _digest(texts[first[key]]):
            first[key] = at
    return first


def _linked(texts: list[str], vectors: list[Vector], threshold: float) -> list[list[int]]:
    alike: dict[tuple[int, int], float] = {}
    for a, b in combinations(range(len(texts)), 2):
        one, other = vectors[a], vectors[b]
        if one is not None and other is not None:
            # -inf keeps two groups apart for good: no mean makes up for it.
            apart = _apart(texts[a], texts[b])
            alike[a, b] = -math.inf if apart else round(cosine(one, other), 9)
        else:
            alike[a, b] = -math.inf
    groups = [[at] for at in range(len(texts))]
    while True:
        best, pair = threshold, None
        for a, b in combinations(range(len(groups)), 2):
            pairs = [alike[min(i, j), max(i, j)] for i in groups[a] for j in groups[b]]
            mean = math.fsum(pairs) / len(pairs) if -math.inf not in pairs else -math.inf
            if mean >= best and (pair is None or mean > best):
                best, pair = mean, (a, b)
        if pair is None:
            return groups
        groups[pair[0]] = sorted(groups[pair[0]] + groups.pop(pair[1]))


@lru_cache(maxsize=2048)  # a vote asks again after each ballot
def _apart(one: str, other: str) -> bool:
    return guards.contradict(guards.signature(one), guards.signature(other))


def _f_measure(one: Counter[str], other: Counter[str]) -> float:
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
