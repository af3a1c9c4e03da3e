"""The numbers in a text, exactly, with their units. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from . import lexicon
from .canonical import quantity


class Quantity(NamedTuple):
    """A number of a text.

    `size` is in base units, whose name is `unit`; a version, a time or a word with digits stands
    as it is. `bare` is the number as written, without its unit, where that is not the same. `of` is
    the stem of the word behind it: what is counted.
    """

    size: Fraction | str
    unit: str
    bare: Fraction | None
    of: str | None

    def means(self, other: Quantity) -> bool:
        """Whether both may be the same; a number without a unit may be meant in any."""
        if (self.size, self.unit) == (other.size, other.unit):
            return True
        return (other.bare is None and other.size == self.bare) or (
            self.bare is None and self.size == other.bare
        )


def quantities(words: str) -> list[Quantity]:
    """All numbers of a plain text, in order; digits inside words ("IPv4") make the word one."""
    return [found for found, _, _ in _all(words)]


def without(words: str) -> str:
    """A plain text without its numbers and units; what is counted stays."""
    kept, at = [], 0
    for _, start, end in _all(words):
        kept.append(words[at:start])
        at = end
    return " ".join([*kept, words[at:]])


_MOST = 400  # numbers of a text
_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_ORDINALS = (  # "third" may be a part, "second" a time
    "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_RANK = {word: Fraction(at) for at, word in enumerate(_ORDINALS.split(), 4)}
_START = re.compile(
    r"(?P<mixed>(?<![A-Za-z0-9_])[A-Za-z]+\d[A-Za-z0-9_]*)"  # IPv4, sha256: names, not numbers
    r"|(?P<noon>(?<![\w:])\d{1,2}(?::\d\d)?\s?[ap](?:m\b|\.m\b\.?))"
    rf"|(?P<rank>\b(?:{_ORDINALS.replace(' ', '|')})\b)"
    r"|(?P<time>(?<![\w:])\d{1,2}:\d\d(?::\d\d)?(?![\w:]))"
    r"|(?P<dotted>(?<![\w.])\d++(?:\.\d++){2,}(?!\w))"  # versions, addresses
    r"|(?:(?<![\w)\]])[-+])?(?:[$\u20ac\u00a3\u00a5\u20b9]\s?)?\.?\d"
    rf"|\b(?:{_WORDS.replace(' ', '|')})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"[\s-]?([a-z\u00e0-\u00ff]{1,20})\b", re.IGNORECASE)


def _all(words: str) -> Iterator[tuple[Quantity, int, int]]:
    at = 0
    for _ in range(_MOST):
        start = _START.search(words, at)
        if start is None:
            return
        at = start.end()
        if start.lastgroup == "mixed":
            continue
        if start.lastgroup == "rank":
            yield Quantity(_RANK[start[0].casefold()], "", None, None), start.start(), at
            continue
        if start.lastgroup:  # as it is written
            written = start[0].casefold().replace(" ", "").replace(".m", "m").rstrip(".")
            yield Quantity(written, "", None, None), start.start(), at
            continue
        found = quantity.read(words, start.start(), spell=True)
        if found is None:  # too long to be one, say
            at += len(words) - at - len(words[at:].lstrip("0123456789.,"))
            continue
        at = max(at, found.end)
        counted = _COUNTED.match(words, at) if not found.dimensions else None
        of = lexicon.stem(counted[1].casefold()) if counted else None
        yield Quantity(found.value, found.dimensions, found.alias, of), start.start(), at
