"""Tool calls: name and arguments, by value (after RFC 8785, numbers exact)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ...ballot import ToolCall
from .key import Key

_DEPTH = 64


def key(calls: tuple[ToolCall, ...], tools: Mapping[str, Mapping[str, Any] | None]) -> Key | None:
    """The key of one or more calls; their order does not count.

    None when arguments are no JSON object, or the request offers no such tool.
    """
    said = []
    for call in calls:
        try:
            arguments = json.loads(
                call.arguments or "{}",
                parse_float=Decimal,
                parse_int=Decimal,
                parse_constant=_refuse,
            )
            if (tools and call.name not in tools) or not isinstance(arguments, dict):
                return None
            said.append(f"{call.name}({_canonical(arguments, _DEPTH)})")
        except (ValueError, RecursionError, ArithmeticError):
            return None
    return Key("tool_call:" + " ".join(sorted(said)))


def _canonical(value: Any, depth: int) -> str:
    """JSON with sorted keys and no spaces; 1, 1.0 and 1e0 are the same, "1" and true are not."""
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        items = {unicodedata.normalize("NFC", name): inner for name, inner in value.items()}
        if len(items) < len(value):
            raise ValueError("two names are the same")
        said = (f"{json.dumps(k)}:{_canonical(items[k], depth - 1)}" for k in sorted(items))
        return "{" + ",".join(said) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item, depth - 1) for item in value) + "]"
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, str):
        return json.dumps(unicodedata.normalize("NFC", value))
    return json.dumps(value)


def _number(value: Decimal) -> str:
    """Exact digits and exponent; Decimal's own normalize rounds and overflows."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a number")
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    short = text.rstrip("0")
    return f"{'-' * sign}{short}e{exponent + len(text) - len(short)}"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def side_effect(name: str, tool: Mapping[str, Any]) -> bool:
    """Whether a call of this tool changes something."""
    return name in ("write_file", "edit_file", "execute_bash")
