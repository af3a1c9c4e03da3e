"""Numbers, exactly: 0.75, 3/4 and 75 % of one are the same key or not, never nearly the same."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

_NUMBER = re.compile(
    r"(?P<sign>[-+]?)[$€£¥]?\s?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+|(?=\.\d))(?P<decimals>\.\d+)?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,3})(?!\d))?"
    r"(?:\s?/\s?(?P<under>\d+)(?![\d.]))?"
    r"(?P<percent>\s?%)?"
)
_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
_ASKS = re.compile(
    r"\bhow (?:many|much|old|far|long|tall)\b|\b(?:calculate|compute|evaluate|add up)\b"
    r"|\b(?:sum|total|product|difference|average|mean|maximum|minimum|largest|smallest)\b"
    r"|\d\s*[-+*/x\u00d7\u00f7]\s*\d",
    re.IGNORECASE,
)
_DIGITS = 300  # an exact value of more digits is not worth its time


def is_asked(question: str) -> bool:
    """Whether `question` asks for a number."""
    return bool(_ASKS.search(question[-4000:]))


def key(span: str) -> str | None:
    """The key of a final answer that begins with a number (units may follow), else None."""
    match = _NUMBER.match(_plain(span).lstrip("(= "))
    return _exact(match) if match else None


def last(words: str) -> str | None:
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
    return _FRACTION.sub(r"\1/\2", plain)


def _exact(match: re.Match[str]) -> str | None:
    whole, decimals = match["whole"].replace(",", ""), match["decimals"] or ""
    if len(whole) + len(decimals) > _DIGITS:
        return None
    value = Fraction(f"{whole or '0'}{decimals}") * Fraction(10) ** int(match["exponent"] or 0)
    if match["under"]:
        if len(match["under"]) > _DIGITS or int(match["under"]) == 0:
            return None
        value /= int(match["under"])
    if match["percent"]:
        return f"number:{-value if match['sign'] == '-' else value}%"
    return f"number:{-value if match['sign'] == '-' else value}"
