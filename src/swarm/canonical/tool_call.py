"""Tool calls: name and arguments, by value (after RFC 8785, numbers exact)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ...ballot import ToolCall

_DEPTH = 64


def key(calls: tuple[ToolCall, ...], tools: tuple[Mapping[str, Any], ...]) -> str | None:
    """The key of one or more calls; their order does not count.

    None when arguments are no JSON object, or the request offers no such tool.
    """
    offered = {str((tool.get("function") or tool).get("name")) for tool in tools}
    said = []
    for call in calls:
        try:
            arguments = json.loads(call.arguments or "{}", parse_float=Decimal, parse_int=Decimal)
            if call.name not in offered or not isinstance(arguments, dict):
                return None
            said.append(f"{call.name}({_canonical(arguments, _DEPTH)})")
        except (ValueError, RecursionError, InvalidOperation):
            return None
    return "tool_call:" + " ".join(sorted(said))


def _canonical(value: Any, depth: int) -> str:
    """JSON with sorted keys and no spaces; 1, 1.0 and 1e0 are the same, "1" and true are not."""
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        items = sorted((unicodedata.normalize("NFC", k), v) for k, v in value.items())
        return "{" + ",".join(f"{json.dumps(k)}:{_canonical(v, depth - 1)}" for k, v in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item, depth - 1) for item in value) + "]"
    if isinstance(value, Decimal):
        return str(value.normalize()) if value else "0"
    if isinstance(value, str):
        return json.dumps(unicodedata.normalize("NFC", value))
    return json.dumps(value)
