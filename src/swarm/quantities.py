"""The numbers in a text, exactly, with their units. Pure."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from . import lexicon


class Quantity(NamedTuple):
    """A number as it is written (`value`), its size in base units and the name of those.

    `of` is the stem of the word behind it: what is counted.
    """

    value: Fraction | str
    size: Fraction | str
    unit: str | None
    of: str | None

    def means(self, other: Quantity) -> bool:
        """Whether both may be the same; a number without a unit may be meant in any."""
        if self.unit and other.unit:
            return (self.size, self.unit) == (other.size, other.unit)
        return self.value == other.value


def quantities(words: str) -> list[Quantity]:
    """All numbers of a plain text, in order; digits inside words ("IPv4") make the word one."""
    return [_read(match) for match in _NUMBER.finditer(words)]


def without(words: str) -> str:
    """A plain text without its numbers and units; what is counted stays."""
    return _NUMBER.sub(lambda match: f" {match['unit'] or ''} " if _read(match).of else " ", words)


_TEENS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: at for at, word in enumerate(_TEENS.split(), 2)}
_SMALL |= {word: 10 * at for at, word in enumerate(_TENS.split(), 2)}
_SCALE = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_BASE = {  # unit -> what it is in base units
    "mm": ("m", "1/1000"), "cm": ("m", "1/100"), "m": ("m", "1"), "km": ("m", "1000"),
    "mg": ("g", "1/1000"), "g": ("g", "1"), "kg": ("g", "1000"),
    "ms": ("s", "1/1000"), "s": ("s", "1"), "min": ("s", "60"), "h": ("s", "3600"),
    "ml": ("l", "1/1000"), "l": ("l", "1"), "ft": ("ft", "1"), "mi": ("mi", "1"),
    "KB": ("KB", "1"), "MB": ("KB", "1000"), "GB": ("KB", "1000000"), "TB": ("KB", "1000000000"),
    "%": ("%", "1"), "$": ("$", "1"), "\u20ac": ("\u20ac", "1"), "\u00a3": ("\u00a3", "1"),
    "\u00a5": ("\u00a5", "1"), "C": ("C", "1"), "F": ("F", "1"), "K": ("K", "1"),
}  # fmt: skip
_NAMES = {
    name: unit
    for unit, names in {
        "mm": "mm millimeter millimetre", "cm": "cm centimeter centimetre", "m": "m meter metre",
        "km": "km kilometer kilometre", "mg": "mg milligram", "g": "g gram",
        "kg": "kg kilogram kilo", "ms": "ms millisecond", "s": "s sec second", "min": "min minute",
        "h": "h hour hr", "ml": "ml milliliter millilitre", "l": "l liter litre",
        "ft": "ft foot feet", "mi": "mi mile", "KB": "kb kilobyte", "MB": "mb megabyte",
        "GB": "gb gigabyte", "TB": "tb terabyte", "%": "% percent", "$": "$ dollar usd",
        "\u20ac": "\u20ac euro eur", "\u00a3": "\u00a3 pound gbp", "\u00a5": "\u00a5 yen",
        "C": "celsius centigrade \u00b0c c", "F": "fahrenheit \u00b0f f", "K": "kelvin",
    }.items()
    for name in names.split()
}  # fmt: skip
_NUMBER = re.compile(
    r"(?P<mixed>(?<![A-Za-z0-9_])[A-Za-z]+\d[A-Za-z0-9_]*)"  # IPv4, sha256
    r"|(?P<time>(?<![\w:])\d{1,2}:\d\d(?::\d\d)?(?![\w:]))"
    r"|(?P<dotted>(?<![\w.])\d+(?:\.\d+){2,}(?!\w))"  # versions, addresses
    r"|(?P<sign>(?<![\w)\]])[-+])?(?P<symbol>[$\u20ac\u00a3\u00a5]\s?)?"
    r"(?:(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,40})(?P<decimals>\.\d{1,40})?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,2})(?!\w))?(?:\s?/\s?(?P<under>[1-9]\d{0,20})(?![\d.]*\d))?"
    rf"|\b(?P<word>{'|'.join(_SMALL)})\b)"
    rf"(?:[\s-]+(?P<scale>{'|'.join(_SCALE)})s?\b)?"
    r"(?:\s?(?P<tail>%)|[\s-]{0,2}(?P<degrees>\u00b0|degrees?\b)?\s?(?P<unit>[a-z\u00b5\u00e0-\u00ff]{1,12})\b)?",
    re.IGNORECASE,
)


def _read(match: re.Match[str]) -> Quantity:
    part = match.groupdict()
    for whole in ("mixed", "time", "dotted"):
        if part[whole]:
            return Quantity(part[whole].casefold(), part[whole].casefold(), None, None)
    if part["word"]:
        value = Fraction(_SMALL[part["word"].casefold()])
    else:
        value = Fraction(part["whole"].replace(",", "") + (part["decimals"] or ""))
        value *= Fraction(10) ** int(part["exponent"] or 0)
        value /= int(part["under"] or 1)
    value *= _SCALE[part["scale"].casefold()] if part["scale"] else 1
    value = -value if part["sign"] == "-" else value
    after = (part["unit"] or "").casefold()
    known = part["tail"] or (part["symbol"] or "").strip() or _unit(after, bool(part["degrees"]))
    if known is None:
        return Quantity(value, value, None, lexicon.stem(after) if after else None)
    base, factor = _BASE[known]
    return Quantity(value, value * Fraction(factor), base, None)


def _unit(word: str, degrees: bool) -> str | None:
    if word in ("c", "f") and not degrees:  # "5 c" is no temperature
        return None
    return _NAMES.get(word) or _NAMES.get(word.removesuffix("s"))
