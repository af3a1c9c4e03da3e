"""Numbers out of what tools print: what is no number is None."""

from __future__ import annotations

import json
import re
from typing import Any

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
_UNITS = {"": 1, "B": 1, "KB": KIB, "KIB": KIB, "MB": MIB, "MIB": MIB, "GB": GIB, "GIB": GIB}


def whole(text: object, unit: int = 1) -> int | None:
    """A count or a size in `unit` bytes: "24576", " 24576 ", 24576. None for "[N/A]" and -1."""
    found = re.fullmatch(r"\s*(\d{1,18})\s*", str(text))
    return int(found[1]) * unit if found else None


def sized(value: object, unit: object = "MB") -> int | None:
    """A size with its unit beside it or behind it: (16368, "MB"), "16368 MB"."""
    found = re.fullmatch(r"\s*(\d{1,15})\s*([A-Za-z]*)\s*", str(value))
    if not found:
        return None
    factor = _UNITS.get((found[2] or str(unit)).upper())
    return int(found[1]) * factor if factor else None


def parsed(text: str) -> Any:
    """The JSON that begins somewhere in `text` (tools print warnings before it), or None."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    for start in sorted(starts):
        try:
            return json.JSONDecoder().raw_decode(text[start:])[0]
        except (ValueError, RecursionError):
            continue
    return None
