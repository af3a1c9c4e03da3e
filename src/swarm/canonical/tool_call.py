"""Tool calls: name and arguments, by value; several calls are a multiset.

Arguments that are no JSON object, unknown tools and violations of a tool's schema abstain. An
argument that is spelled out with the default of its schema equals one that is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...ballot import ToolCall
from .key import CALL, Key
from .schema import admits, resolve
from .side_effect import side_effect as side_effect
from .values import NotJson, Value, canonical, of, parse, short

_ODD = re.compile(r"[\s()\"]|^$")  # a name that could pass for more than a name
_CALLS = 64  # more at once is a model that loops
_NESTED = 20  # levels below which defaults are no longer looked for


def key(calls: Sequence[ToolCall], tools: Mapping[str, object]) -> Key | None:
    """The key of one or more calls; their order does not count, their number does.

    `tools` has the JSON schema of each tool's parameters by the tool's name (None: not known);
    where it is empty any name will do. None abstains.
    """
    if not calls or len(calls) > _CALLS:
        return None
    said = []
    for call in calls:
        arguments = _arguments(call)
        if arguments is None or _ODD.search(call.name) or (tools and call.name not in tools):
            return None
        schema = tools.get(call.name)
        # A bare true or false is no list of parameters.
        if isinstance(schema, dict):
            if admits(arguments, schema) is False:
                return None
            arguments = _without_defaults(arguments, schema, schema, _NESTED)
        said.append(f"{call.name}({short(canonical(arguments))})")
    return Key(CALL + " ".join(sorted(said)))


def _arguments(call: ToolCall) -> Value | None:
    """The arguments as a JSON object; None when they are none. No arguments at all are `{}`."""
    raw: object = call.arguments
    if raw is None or (isinstance(raw, str) and not raw.strip("\ufeff \t\r\n")):
        return {}
    try:
        value = parse(raw) if isinstance(raw, str) else of(raw)
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def _without_defaults(value: Value, schema: object, root: object, depth: int) -> Value:
    """`value` without the members that repeat the default of `schema`."""
    hops = depth
    while hops and isinstance(schema, dict) and "$ref" in schema:
        schema, hops = resolve(root, schema["$ref"]), hops - 1
    if not depth or not isinstance(schema, dict) or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        inner = schema.get("items")
        return [_without_defaults(item, inner, root, depth - 1) for item in value]
    members = schema.get("properties")
    if not isinstance(members, dict):
        return value
    kept = {}
    for name, item in value.items():
        inner = members.get(name)
        rest = _without_defaults(item, inner, root, depth - 1)
        if not (isinstance(inner, dict) and "default" in inner and _same(item, inner["default"])):
            kept[name] = rest
    return kept


def _same(value: Value, default: object) -> bool:
    try:
        return canonical(value) == canonical(of(default))
    except NotJson:
        return False
