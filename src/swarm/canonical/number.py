"""Numbers, exactly: 0.75, 3/4 and 75 % of one are the same key or not, never nearly the same."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from .key import Key

_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)])[-+])?[$\u20ac\u00a3\u00a5]?\s?(?P<inner>-)?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?: \d{3})+(?! ?\d)|\d+|(?=\.\d))"
    r"(?P<decimals>\.\d+)?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,3})(?!\d))?"
    r"(?:\^\{?(?P<power>-?\d{1,3})\}?(?!\d))?"
    r"(?:\s?/\s?(?P<under>\d+)(?!\.?\d)|\s(?P<over>\d+)/(?P<below>\d+)(?!\.?\d))?"
    r"(?P<percent>\s?%)?"
)
_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
_ASKS = re.compile(
    r"\bhow (?:many|much|old|far|long|tall)\b|\b(?:calculate|compute|evaluate|add up)\b"
    r"|\b(?:sum|total|product|difference|average|mean|maximum|minimum|largest|smallest)\b"
    r"|\d\s*[-+*/x\u00d7\u00f7]\s*\d",
    re.IGNORECASE,
)
_SCIENCE = re.compile(r"\s?(?:\\times|\\cdot|[*\u00d7x])\s?10\^\{?(-?\d{1,3})\}?")
# After a number a unit may follow, but no further number, sign or formula.
_REST = re.compile(r"(?:[.,;:!?)\]*_`\"']*)(?:\s[^\d]*|[a-zA-Z\u00b0]+[^\d]*)?")
_DIGITS = 300  # an exact value of more digits is not worth its time


def is_asked(question: str) -> bool:
    """Whether `question` asks for a number."""
    return bool(_ASKS.search(question[-4000:]))


def key(span: str) -> Key | None:
    """The key of a final answer that is one number, units allowed; else None.

    Of an equation (`x = 18`, `12 + 3 = 15`) the right side counts.
    """
    plain = _plain(span).rpartition("=")[2].strip().lstrip("(*").strip()
    match = _NUMBER.match(plain)
    if match is None or not _REST.fullmatch(plain, match.end()):
        return None
    return _exact(match)


def last(words: str) -> Key | None:
    """The key of the last number in free prose, or None."""
    found = None
    for match in _NUMBER.finditer(_plain(words[-8000:])):
        found = match
    return _exact(found) if found else None


def _plain(words: str) -> str:
    """Unicode digits, minus signs and LaTeX fractions in ASCII."""
    # NFKC would turn "1\u00bd" into "11/2", so vulgar fractions are kept apart.
    spaced = "".join(f" {c}" if unicodedata.category(c) == "No" else c for c in words)
    plain = unicodedata.normalize("NFKC", spaced).replace("\u2044", "/")
    plain = re.sub(r"[\u2212\u2010-\u2014]", "-", plain).replace("\\$", "$").replace("\\%", "%")
    plain = "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() and not c.isascii() else c for c in plain
    )
    plain = _SCIENCE.sub(r"e\1", plain.replace("{,}", ""))
    return _FRACTION.sub(r"\1/\2", plain)


def _exact(match: re.Match[str]) -> Key | None:
    parts = {name: text or "" for name, text in match.groupdict().items()}
    whole = parts["whole"].replace(",", "").replace(" ", "")
    if max(len(whole) + len(parts["decimals"]), *map(len, parts.values())) > _DIGITS:
        return None
    value = Fraction(f"{whole or '0'}{parts['decimals']}")
    value *= Fraction(10) ** int(parts["exponent"] or 0)
    under = int(parts["under"] or parts["below"] or 1)
    if under == 0:
        return None
    if parts["power"]:
        if abs(value) > 1000 or value == 0:
            return None
        value **= int(parts["power"])
    value = value + Fraction(int(parts["over"]), under) if parts["over"] else value / under
    if "-" in (parts["sign"], parts["inner"]):
        value = -value
    if parts["percent"]:
        return Key(f"number:{value / 100}", f"number:{value}")
    return Key(f"number:{value}")
