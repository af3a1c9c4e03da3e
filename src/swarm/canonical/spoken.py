"""Numbers in English words: "twenty-one", "one hundred and five", "three quarters", "a dozen",
"three point one four", "twenty-first"."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType

from .numeral import Numeral

_MOST = 24  # words
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_PARTS = MappingProxyType(
    {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8,
     "tenth": 10, "halve": 2}
)  # fmt: skip
_SMALL = MappingProxyType(
    {word: at for at, word in enumerate(_ONES.split())}
    | {word: 20 + 10 * at for at, word in enumerate(_TENS.split())}
)
_LARGE = MappingProxyType({"thousand": 10**3, "million": 10**6, "billion": 10**9})
_ORDINALS = MappingProxyType(
    {
        f"{name.removesuffix('y') + 'ie' if name.endswith('y') else name}th": value
        for name, value in (_SMALL | {"hundred": 100}).items()
    }
    | {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
)
_ORDINAL = re.compile(
    rf"(?:the )?(?:({_TENS.replace(' ', '|')})[ -])?({'|'.join(_ORDINALS)})"
    r"(?: (?:one|place|time|day|row|position|item|term|floor|person))?\W*",
    re.IGNORECASE,
)
_POINT = re.compile(rf" point((?: (?:{_ONES.replace(' ', '|')}))+)(?!\w)", re.IGNORECASE)
_AND = re.compile(r"\sand(?=\s(?:an?|one|two|three)\s)")
_AN = re.compile(r"\san?(?:(\sdozen)\b|(?=\s))")
_WORD = re.compile(r"(,(?= ))?[ -]?([a-zA-Z]+)")


def read(words: str, at: int) -> Numeral | None:
    """The number that is written in English words at `at`; None when there is none."""
    names = _names(words, at)
    total = group = used = 0
    article = bool(names) and names[0][0] in ("a", "an")
    if article:
        group = 1
    for place, (name, end) in enumerate(names):
        behind = names[place + 1][0] if place + 1 < len(names) else ""
        if name == "half" and not place:  # of "half an hour" the hour is the unit
            joint = _AN.match(words, end)
            if joint is None:
                return Numeral(Fraction(1, 2), end)
            return Numeral(Fraction(6 if joint[1] else Fraction(1, 2)), joint.end())
        if article and not place:
            if behind not in ("hundred", "dozen", *_LARGE) and behind not in _PARTS:
                return None
        elif name == "and":
            if names[place - 1][0] != "hundred" and names[place - 1][0] not in _LARGE:
                break
            if behind not in _SMALL:
                break
        elif name in _SMALL and _fits(group, _SMALL[name]) and not (article and place == 1):
            group += _SMALL[name]
        elif name == "hundred" and 0 < group < 100:
            group *= 100
        elif name in _LARGE and group:
            total, group = total + group * _LARGE[name], 0
        elif name.rstrip("s") == "dozen" and place:
            value = Fraction(total + group)
            return Numeral(value * 12, end, value)
        elif name.rstrip("s") in _PARTS and place and group and not total:
            return Numeral(Fraction(group, _PARTS[name.rstrip("s")]), end)
        else:
            break
        used = end
    if used and (point := _POINT.match(words, used)):
        digits = [_SMALL[digit] for digit in point[1].lower().split()]
        if max(digits) < 10:
            decimals = "".join(map(str, digits))
            return Numeral(Fraction(f"{total + group}.{decimals}"), point.end())
    return Numeral(Fraction(total + group), used) if used else None


def whole(words: str) -> int | None:
    """The number that `words` are and nothing else: "the twenty-first"; else None."""
    found = _ORDINAL.fullmatch(words)
    if found is None:
        return None
    tens, ones = _SMALL.get((found[1] or "").lower(), 0), _ORDINALS[found[2].lower()]
    return tens + ones if not tens or ones < 10 else None


def and_part(words: str, number: Numeral) -> Numeral:
    """`number` with the half of "2 and a half" or "two and three quarters"."""
    joint = _AND.match(words, number.end)
    part = read(words, joint.end()) if joint and number.value.denominator == 1 else None
    if part is None or not 0 < part.value < 1:
        return number
    return Numeral(number.value + part.value, part.end)


def _names(words: str, at: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for _ in range(_MOST):
        word = _WORD.match(words, at)
        if word is None:
            break
        if word[1] and (not found or found[-1][0] not in _LARGE or word[2].lower() not in _SMALL):
            break  # "one thousand, two hundred", but not "one, two"
        at = word.end()
        found.append((word[2].lower(), at))
    return found


def _fits(group: int, small: int) -> bool:
    """Whether `small` may follow: 5 after 20 or 300, 20 after 300, nothing after 5."""
    if group == 0 or (group % 100 == 0 and small):
        return True
    return group % 100 >= 20 and group % 10 == 0 and 0 < small < 10
