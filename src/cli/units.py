"""Sizes as people write them."""

from __future__ import annotations

import re

from ..errors import UsageError

_POWERS = {"K": 10, "M": 20, "G": 30, "T": 40}
_MOST = 1 << 50


def size(text: str, option: str) -> int:
    """Bytes of "16GB", "16 GiB", "16g", "0.5 TB" or "16384MB"; a GB has 2^30, as RAM is sold.

    Raises UsageError for what is no size, or none that a machine can have.
    """
    found = re.fullmatch(
        r"\s*(\d{1,9}(?:[.,]\d{1,6})?)\s*([KMGT])(?:i?B)?\s*", text, re.IGNORECASE | re.ASCII
    )
    if not found:
        raise UsageError(f"{option} {text!r} is no size.", hint=f"Write it like {option} 16GB.")
    number = float(found[1].replace(",", "."))
    result = int(number * (1 << _POWERS[found[2].upper()]))
    if not 1 << 20 <= result <= _MOST:
        raise UsageError(f"{option} {text!r}: no machine has that.", hint="Try 16GB.")
    return result


def shown(count: int) -> str:
    """Bytes for people: "1.91 GiB", "2.2 MiB", "0 KiB"."""
    for unit, power, digits in (("GiB", 30, 2), ("MiB", 20, 1)):
        if count >= 1 << power:
            return f"{count / (1 << power):.{digits}f} {unit}"
    return f"{count / 1024:.0f} KiB"


def printable(text: str) -> str:
    """`text` without what a terminal would obey."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def speed(tokens_per_second: float) -> str:
    """Three digits are enough; nobody reads 2.97e+03."""
    return f"{tokens_per_second:{'.3g' if tokens_per_second < 999.5 else ',.0f'}}"
