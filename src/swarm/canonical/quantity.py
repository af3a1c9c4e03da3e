"""One quantity: a number with its sign, its currency and its unit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from . import numeral, spoken, units
from .key import Key

_SHOWN = 120  # characters of a value, beyond them its hash
_SIGN = re.compile(r"(?:([-+\u00b1])|(minus|negative)\s)\s?", re.IGNORECASE)
_FEET = re.compile(r"(\d{1,3})'\s?(\d{1,2})(?:\"|'')?(?!\w)")
_START = re.compile(
    r"(?<![\w.])(?:[$\u20ac\u00a3\u00a5\u20b9]\s?-?|(?<![\d)])-\s?[$\u20ac\u00a3]?)?\.?\d"
    r"|(?<=[A-Z]{3})\s?\d|(?<=[Rr]s)\d")  # fmt: skip


_BRACKETED = re.compile(r"\s?\(([^()\d]{1,20})\)")  # 12 (cm)
_MINUTES = re.compile(r"(?<=h)[0-5]\d(?![\w.])")  # 2h30
_NEXT = re.compile(r",?\s?(?:and\s)?(?=\d)")


class Quantity(NamedTuple):
    """A number with its unit, in base units, and where it ends."""

    value: Fraction
    dimensions: str
    alias: Fraction | None
    end: int

    def key(self) -> Key:
        """`number:value unit`, with the number as it was written for an alias."""
        alias = None if self.alias is None else f"number:{show(self.alias)}"
        return Key(f"number:{self}", alias)

    def __str__(self) -> str:
        return f"{show(self.value)} {self.dimensions}".rstrip()


def read(words: str, at: int, *, spell: bool) -> Quantity | None:
    """The number at `at` with sign, currency and unit."""
    negative = False
    before: units.Unit | None = None
    for _ in range(3):
        if sign := _SIGN.match(words, at):
            if sign[1] == "\u00b1":
                return None
            negative ^= sign[1] != "+"
            at = sign.end()
        elif before is None and (before := units.money_before(words, at)):
            at = before.end
        else:
            break
    bracket = words.startswith("(", at)
    number = numeral.read(words, at + bracket)
    if number is None and spell and not bracket:
        number = spoken.read(words, at)
        if number and words.startswith(" of ", number.end):  # "one of the best"
            return None
    if number is None:
        return None
    if bracket:  # "-(5/8)"
        if not words.startswith(")", number.end):
            return None
        number = number._replace(end=number.end + 1)
    number = spoken.and_part(words, number)
    number = numeral.scaled(words, number, money=before is not None)
    if not before and (feet := _FEET.match(words, at)):
        value = Fraction(int(feet[1]) * 12 + int(feet[2])) * Fraction(254, 10000)
        return Quantity(value, "m", None, feet.end())
    unit = before or units.read(words, number.end) or _in_brackets(words, number.end)
    sized = -number.value if negative else number.value
    alias = -number.alias if negative and number.alias else number.alias
    if unit is None:
        return Quantity(sized, "", alias, number.end)
    end = max(number.end, unit.end)
    if before and not words.startswith("-", end) and (behind := units.read(words, end)):
        end = behind.end if behind.money else end
    if unit.dimensions == "%":
        return Quantity(sized * unit.factor, "", sized, end)
    if not unit.dimensions:  # degrees; or "mg per kg", whose dimensions cancel, but not its factor
        return Quantity(sized * unit.factor, "", alias if unit.factor == 1 else sized, end)
    whole = Quantity(sized * unit.factor, unit.dimensions, sized, end)
    return _compound(words, whole, unit.factor, negative)


def _in_brackets(words: str, at: int) -> units.Unit | None:
    found = _BRACKETED.match(words, at)
    unit = units.read(found[1], 0) if found else None
    whole = found is not None and unit is not None and unit.end == len(found[1])
    return unit._replace(end=found.end()) if found and unit and whole else None


def _compound(words: str, whole: Quantity, factor: Fraction, negative: bool) -> Quantity:
    """Adds the 30 min of 1 h 30 min: smaller units of the same dimension."""
    if whole.dimensions == "s" and (minutes := _MINUTES.match(words, whole.end)):
        more = Fraction(-int(minutes[0]) if negative else int(minutes[0])) * 60
        return whole._replace(value=whole.value + more, alias=None, end=minutes.end())
    for _ in range(4):
        joint = _NEXT.match(words, whole.end)
        number = numeral.read(words, joint.end()) if joint else None
        unit = units.read(words, number.end) if number else None
        if number is None or unit is None:
            break
        size, dimensions = unit.factor, unit.dimensions
        if whole.dimensions == "s" and factor == 3600 and words[unit.end - 1] == "m":
            size, dimensions = Fraction(60), "s"  # 1h30m
        if dimensions != whole.dimensions or size >= factor or number.value * size >= factor:
            break
        more = -number.value * size if negative else number.value * size
        whole = whole._replace(value=whole.value + more, alias=None, end=unit.end)
        factor = size
    return whole


def every(words: str) -> Iterator[Quantity]:
    """The quantities in `words`, in their order."""
    at = 0
    while start := _START.search(words, at):
        one = read(words, start.start(), spell=False)
        if one is None:
            at = start.end()
            continue
        at = one.end
        yield one


def show(value: Fraction) -> str:
    """A fraction in full, or as a hash when it is very long."""
    said = str(value)
    if len(said) <= _SHOWN:
        return said
    return f"#{hashlib.sha256(said.encode()).hexdigest()[:32]}"
