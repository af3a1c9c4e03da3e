"""Arguments of a call by any JSON schema: read, and mended where the schema alone says how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
_BOOLEANS = {"true": True, "false": False}


class BadArguments(ValueError):
    """Arguments that do not fit; the text is one sentence for the model."""


def read(text: str, schema: Schema) -> dict[str, Any]:
    """The arguments in `text` as `schema` (a JSON schema of an object) wants them.

    Mended is only what cannot mean anything else: an object inside a string, "5" where an integer
    is wanted, a name in another spelling (`start-line`), null for what may be left out. Nothing
    is invented and no value is guessed. Raises BadArguments.
    """
    try:
        value = json.loads(text or "{}")
        if isinstance(value, str):  # encoded twice
            value = json.loads(value)
    except (ValueError, RecursionError):
        raise BadArguments("the arguments are no valid JSON") from None
    if not isinstance(value, dict):
        raise BadArguments("the arguments must be a JSON object")
    return _object(value, schema, "")


def _object(value: Mapping[str, Any], schema: Schema, where: str) -> dict[str, Any]:
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    required = schema.get("required") or ()
    made: dict[str, Any] = {}
    for given, item in value.items():
        name = _name(given, properties)
        if name is None:
            if schema.get("additionalProperties") is not False:
                made[given] = item
                continue
            known = ", ".join(properties) or "none"
            raise BadArguments(f"there is no argument {where}{given}; the arguments are: {known}")
        if name in made:
            raise BadArguments(f"{where}{name} is given twice")
        if item is None and name not in required and not _allows(properties[name], "null"):
            continue
        made[name] = _fitted(item, properties[name], where + name)
    missing = [name for name in required if name not in made]
    if missing:
        raise BadArguments(f"{where}{missing[0]} is missing")
    return made


def _name(given: str, properties: Mapping[str, Schema]) -> str | None:
    """The property that `given` spells; None where there is none, or more than one."""
    if given in properties:
        return given
    alike = [name for name in properties if _folded(name) == _folded(given)]
    return alike[0] if len(alike) == 1 else None


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _types(schema: Schema) -> tuple[str, ...]:
    named = schema.get("type")
    return (named,) if isinstance(named, str) else tuple(named or ())


def _allows(schema: Schema, kind: str) -> bool:
    return kind in _types(schema)


def _fitted(value: Any, schema: Schema, where: str) -> Any:
    if not isinstance(schema, Mapping):
        return value
    types = _types(schema)
    if types and not any(_is(value, kind) for kind in types):
        value = _mended(value, types, where)
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        value = _choice(value, choices, where)
    if isinstance(value, dict) and schema.get("properties"):
        return _object(value, schema, f"{where}.")
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return [_fitted(item, items, f"{where}[{at}]") for at, item in enumerate(value)]
    return value


def _is(value: Any, kind: str) -> bool:
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    wanted: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    return kind not in wanted or isinstance(value, wanted[kind])


def _mended(value: Any, types: tuple[str, ...], where: str) -> Any:
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return int(value)
    if isinstance(value, str):
        read_as = _BOOLEANS.get(value) if "boolean" in types else _inside(value)
        if read_as is not None and any(_is(read_as, kind) for kind in types):
            return read_as
    elif "string" in types and isinstance(value, (int, float)):
        return json.dumps(value)
    raise BadArguments(f"{where} must be {_said(types)}")


def _inside(text: str) -> Any:
    """The JSON value that a string holds; None where it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _said(types: tuple[str, ...]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in types)


def _choice(value: Any, choices: list[Any], where: str) -> Any:
    if isinstance(value, str):
        alike = [c for c in choices if isinstance(c, str) and c.lower() == value.lower()]
        if len(alike) == 1:
            return alike[0]
    raise BadArguments(f"{where} must be one of {', '.join(json.dumps(c) for c in choices)}")
