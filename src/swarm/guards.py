"""What keeps two texts apart however alike they read: numbers, negations, yes and no, opposites,
names, and who does what to whom. Embeddings are blind to all of these. Pure, total."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from . import lexicon, polarity
from .claim import Claim, at_odds, claim, common

_LONG = 25  # words that carry meaning; a longer text is compared sentence by sentence
_ALIKE = 0.5  # the least part of common words in two sentences about the same matter
_FIRST, _LAST = 20, 10  # sentences of a long text that are looked at


class Signature(NamedTuple):
    """What a text commits itself to: how it opens, as a whole, and sentence by sentence."""

    opening: str | None  # "yes", "no", "depends"
    whole: Claim
    parts: tuple[Claim, ...]

    @property
    def long(self) -> bool:
        """Whether it says too many things to be compared as one statement."""
        return len(self.parts) > 1 and len(self.whole.order) > _LONG


@lru_cache(maxsize=128)
def signature(text: str) -> Signature:
    """The signature of a text; compare two of them by `contradict`."""
    words = lexicon.plain(text)
    said = lexicon.sentences(words)
    said = said if len(said) <= _FIRST + _LAST else said[:_FIRST] + said[-_LAST:]
    return Signature(polarity.opening(words), claim(words), tuple(map(claim, said)))


def contradict(one: Signature, other: Signature) -> bool:
    """Whether two texts must not be merged. Symmetric; False for equal signatures.

    Short texts are compared as a whole. Of long ones each sentence is compared with the sentence
    of the other text that is most like it, and no other: texts say many things, in any order.
    """
    if None not in (one.opening, other.opening) and one.opening != other.opening:
        return True
    if not one.long and not other.long:
        return at_odds(one.whole, other.whole, strict=True)
    return any(at_odds(a, b, strict=False) for a, b in _counterparts(one.parts, other.parts))


def _counterparts(ours: tuple[Claim, ...], theirs: tuple[Claim, ...]) -> list[tuple[Claim, Claim]]:
    """Pairs of sentences that are most like each other, and about the same matter."""
    likeness = [[common(a, b) for b in theirs] for a in ours]
    rows = [max(row, default=0.0) for row in likeness]
    columns = [max(column) for column in zip(*likeness, strict=True)]
    return [
        (ours[i], theirs[j])
        for i, row in enumerate(likeness)
        for j, alike in enumerate(row)
        if alike >= _ALIKE and alike == rows[i] == columns[j]
    ]
