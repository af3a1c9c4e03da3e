"""JSON from another machine, with nothing in it that could surprise whoever handles it later."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_DEPTH = 64


def json_of(data: bytes) -> Any:
    """UTF-8 without halves of pairs, finite numbers, whole ones of 64 bits, nested no deeper than
    64. Raises ValueError, which repeats nothing of it."""
    try:
        value = json.loads(
            data.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, parse_int=_whole
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise ValueError("it is no JSON of ours") from None
    if _deeper(value, _DEPTH):
        raise ValueError("it is nested too deeply")
    return value


def _deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _whole(text: str) -> int:
    if len(text) > 20 or not -(1 << 63) <= (value := int(text)) < 1 << 63:
        raise ValueError(text)
    return value
