"""One number as it is written, exactly: groups of digits, decimals, fractions, powers, words."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

_DIGITS = 1000  # an exact value of more digits is not worth its time
_EXPONENT = 400

# Atomic groups: a run of groups is taken whole or not at all, so nothing is tried twice.
_LITERAL = re.compile(
    r"(?P<us>(?>\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?!,?\d)(?:\.\d+)?)"
    r"|(?P<eu>(?>\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:[ '_]\d{3})+,\d+)"
    r"(?![.,]?\d))"
    r"|(?P<spaced>(?>\d{1,3}(?: \d{3})+|\d{1,3}(?:'\d{3})+|\d{1,3}(?:_\d{3})+)(?![ '_]?\d)"
    r"(?:\.\d+)?)"
    r"|(?P<comma>(?>0,\d+|\d+,(?!\d{3}(?!\d))\d+)(?![.,]?\d))"
    r"|(?P<cycle>\d+\.\d*\(\d+\))"
    r"|(?P<point>(?>\d+(?:\.\d+)?|\.\d+))"
)
_SCIENCE = re.compile(
    r"[eE](?P<e>[-+]?\d+)(?!\d|\.\d)"
    r"|\s?[x\u00d7*\u00b7]\s?10\s?(?:\^|\*\*)\s?\(?(?P<ten>[-+]?\d+)\)?(?!\d)"
)
_SLASH = re.compile(r"\s?/\s?(\d+)(?![\d.,]*[\d/])")
_MIXED = re.compile(r"\s(?:and\s)?(\d+)\s?/\s?(\d+)(?![\d.,]*[\d/])")
_POWER = re.compile(r"\s?(?:\^|\*\*)\s?(?:\((?P<in>-?\d+)\)|(?P<bare>-?\d+))(?![\d.])")
_PREFIXED = re.compile(r"0(?:[xX](?P<hex>[0-9a-fA-F]{1,64})|[bB](?P<two>[01]{1,200}))(?!\w)")
_BASE = re.compile(r"_(\d{1,2})(?!\w)")
_SCALE = re.compile(
    r"\s?(?P<short>[kmbt]|bn|mio\.?|mrd\.?|tsd\.?|tn)(?![\w\u00b2\u00b3^/])"
    r"|\s?(?P<word>thousand|million|billion|trillion|lakh|crore|hundred|dozen)s?\b",
    re.IGNORECASE,
)
_SCALES = MappingProxyType(
    {"hundred": 2, "thousand": 3, "k": 3, "tsd": 3, "lakh": 5, "million": 6, "mio": 6, "m": 6,
     "crore": 7, "billion": 9, "bn": 9, "b": 9, "mrd": 9, "trillion": 12, "tn": 12, "t": 12}
)  # fmt: skip


class Numeral(NamedTuple):
    """A number and where it ends. `alias` is another value that it may be meant by."""

    value: Fraction
    end: int
    alias: Fraction | None = None


def read(words: str, at: int) -> Numeral | None:
    """The number that is written in digits at `at`, without sign; None when there is none."""
    if prefixed := _PREFIXED.match(words, at):
        size = 16 if prefixed["hex"] else 2
        return Numeral(Fraction(int(prefixed[prefixed.lastindex or 0], size)), prefixed.end())
    found = _LITERAL.match(words, at)
    if found is None or len(found[0]) > _DIGITS:
        return None
    value, end = _value(found), found.end()
    if science := _SCIENCE.match(words, end):
        exponent = science["e"] or science["ten"]
        if len(exponent) > 6 or abs(int(exponent)) > _EXPONENT:
            return None
        value, end = value * Fraction(10) ** int(exponent), science.end()
    if power := _POWER.match(words, end):
        raised = _raised(value, power["in"] or power["bare"])
        if raised is None:
            return None
        value, end = raised, power.end()
    if (base := _BASE.match(words, end)) and found["point"]:
        return _in_base(found[0], int(base[1]), base.end())
    if value.denominator == 1 and (mixed := _MIXED.match(words, end)):
        over, under = _int(mixed[1]), _int(mixed[2])
        if 0 < over < under:
            return Numeral(value + Fraction(over, under), mixed.end())
    if slash := _SLASH.match(words, end):
        under = _int(slash[1])
        return Numeral(value / under, slash.end()) if under else None
    return Numeral(value, end)


def scaled(words: str, number: Numeral, *, money: bool) -> Numeral:
    """`number` times the million or the k behind it; `K` and `M` alone only after money."""
    scale = _SCALE.match(words, number.end)
    if scale is None:
        return number
    name = scale[0].strip().rstrip(".")
    close = words[number.end] != " "  # "5M", but 5 m and 5 M are metres and moles
    if len(name) == 1 and not money and not (close and name in "kM"):
        return number
    if name.lower().startswith("dozen"):
        return Numeral(number.value * 12, scale.end(), number.value)
    return Numeral(number.value * 10 ** _SCALES[name.lower().rstrip("s")], scale.end())


def _value(found: re.Match[str]) -> Fraction:
    said = found[0]
    if found["cycle"]:  # 0.1(6)
        fixed, _, cycle = said.rstrip(")").partition("(")
        whole, _, decimals = fixed.partition(".")
        once = Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(decimals))
        return Fraction(f"{whole}.{decimals or 0}") + once
    if found["comma"] or found["eu"]:
        return Fraction(re.sub(r"[. '_]", "", said).replace(",", "."))
    return Fraction(re.sub(r"[, '_]", "", said))


def _raised(value: Fraction, power: str) -> Fraction | None:
    if len(power) > 5 or (value == 0 and power.startswith("-")):
        return None
    size = max(value.numerator.bit_length(), value.denominator.bit_length())
    return value ** int(power) if size * abs(int(power)) <= 3 * _DIGITS else None


def _in_base(digits: str, base: int, end: int) -> Numeral | None:
    if not 2 <= base <= 36 or not digits.isdigit():
        return None
    if any(int(digit) >= base for digit in digits) or len(digits) > 200:
        return None
    return Numeral(Fraction(int(digits, base)), end, Fraction(int(digits)))


def _int(digits: str) -> int:
    return int(digits) if len(digits) <= _DIGITS else 0
