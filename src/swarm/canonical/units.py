"""Units of measure and money: what stands behind (or, for money, before) a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from .unit_table import symbols
from .unit_table import words as names

_CURRENCIES = (
    "$ € £ ¥ CNY ₹ ₩ ₽ ₺ ₿ CHF ₪ ₫ ₱ ₦ ₴ ฿ BRL AUD CAD NZD HKD SGD MXN SEK NOK DKK PLN CZK ZAR"
)
_MONEY = frozenset(_CURRENCIES.split())
_ALONE = _MONEY | {"%", ""}  # what stands "per" something else is money, a share or a count still
_TOKEN = re.compile(
    r"[A-Za-z\u00c0-\u024f\u03a9\u03bc]+|[%\u2030$\u00a2\u00a3\u00a5\u20a0-\u20bf\u0e3f]"
)
_TWO = re.compile(r"([A-Za-z]+)[ -]([A-Za-z]+)\b")
_DEGREES = re.compile(
    r"(?:\u00b0|deg(?:rees?|\.)?(?![a-z]))"
    r"(?:\s?(?:(C|celsius|centigrade)|(F|fahrenheit))(?![A-Za-z]))?(?![A-Za-z])",
    re.IGNORECASE,
)
_POWER = re.compile(r"\^\(?(-?[1-9])\)?|([23])(?!\d)| (squared|cubed)\b")
_LEAD = re.compile(r"(sq(?:uare|\.)?|cubic|cu\.?) ?", re.IGNORECASE)
_BY = re.compile(r"\s?/\s?\(?|\s(?:per|an?)\s")
_TIMES = re.compile(r"\s?[\u00b7*]\s?|[ -]")
# "18 in total": an inch stands at the end of its phrase, or before a mark.
_PREPOSITION = re.compile(r"\s+[A-Za-z\d$]")


class Unit(NamedTuple):
    """A unit: its factor to base units, their names ("m s^-1", "" for none), and its end."""

    factor: Fraction
    dimensions: str
    end: int

    @property
    def money(self) -> bool:
        """Whether this is an amount of money."""
        return self.dimensions in _MONEY


def read(words: str, at: int) -> Unit | None:
    """The unit at `at`, one space allowed before it; None when no known unit stands there."""
    at += words.startswith((" ", "-"), at)
    if found := _DEGREES.match(words, at):
        dimensions = "°C" if found[1] else "°F" if found[2] else ""
        return Unit(Fraction(1), dimensions, found.end())
    first = _power_of(words, at)
    if first is None:
        return None
    factor, dims, at = first
    if set(dims) & _ALONE or not dims:
        return Unit(factor, _name(dims), at)
    sign = 1
    for _ in range(6):
        by = _BY.match(words, at)
        times = None if by else _TIMES.match(words, at)
        joint = by or times
        if joint is None:
            break
        # "8 hours a day" are hours.
        more = None if by and set(dims) <= {"s", "month"} else _power_of(words, joint.end())
        if more is None or (
            times and times[0] in " -" and not _is_symbol(words, times.end(), more)
        ):
            break
        if set(more[1]) & _ALONE or not more[1]:
            break
        sign = -1 if by else sign
        factor *= more[0] ** sign
        for base, exponent in more[1].items():
            dims[base] = dims.get(base, 0) + sign * exponent
        at = more[2]
        at += bool(by and "(" in by[0] and words.startswith(")", at))
    return Unit(factor, _name(dims), at)


def money_before(words: str, at: int) -> Unit | None:
    """The sign or code of a currency that stands before a number, like `US$` or `EUR `."""
    for length in (3, 2, 1):
        name = words[at : at + length]
        name = {"US$": "$", "USD": "$", "Rs.": "₹", "CA$": "C$", "AU$": "A$"}.get(name, name)
        entry = symbols().get(name)
        if entry and set(entry[1]) & _MONEY and len(words[at : at + length]) == length:
            end = at + length
            return Unit(entry[0], _name(entry[1]), end + words.startswith(" ", end))
    return None


def _power_of(words: str, at: int) -> tuple[Fraction, dict[str, int], int] | None:
    lead = _LEAD.match(words, at)
    exponent = (3 if lead[1].lower().startswith("c") else 2) if lead else 1
    at = lead.end() if lead else at
    found = _named(words, at)
    if found is None:
        return None
    factor, dims, end = found
    if power := _POWER.match(words, end):
        word = {"squared": 2, "cubed": 3}.get(power[3] or "")
        exponent, end = word or int(power[1] or power[2]), power.end()
    return factor**exponent, {base: size * exponent for base, size in dims.items()}, end


def _named(words: str, at: int) -> tuple[Fraction, dict[str, int], int] | None:
    if two := _TWO.match(words, at):
        entry = names().get(f"{two[1]}-{two[2]}".lower())
        if entry:
            return entry[0], dict(entry[1]), two.end()
    token = _TOKEN.match(words, at)
    if token is None:
        return None
    name, end = token[0], token.end()
    if name in ("A", "C", "F", "S") and not _ends(words, end):
        return None
    if name == "in" and _PREPOSITION.match(words, end):
        return None
    if name in ("US", "U", "NZ", "HK") and words.startswith(("$", "S$"), end):
        name, end = "$", end + 1
    entry = symbols().get(name) or names().get(name.lower())
    return (entry[0], dict(entry[1]), end) if entry else None


def _ends(words: str, at: int) -> bool:
    return not words[at : at + 2].strip(" .,;:!?)]*`\"'")


def _is_symbol(words: str, at: int, found: tuple[Fraction, dict[str, int], int]) -> bool:
    """Whether a unit that stands behind another one without a sign is written as a symbol."""
    name = _TOKEN.match(words, at)
    return name is not None and name[0] in symbols() and name[0] not in ("in", "a")


def _name(dims: Mapping[str, int]) -> str:
    parts = [f"{base}^{size}" if size != 1 else base for base, size in sorted(dims.items()) if size]
    return " ".join(parts)
