"""JSON by value: 1, 1.0 and 1e0 are one number; "1", 1, true and null are four values.

After RFC 8785, but numbers are exact: 2^53 and 2^53 + 1 differ here, they are two file offsets or
two account numbers. As in I-JSON (RFC 7493) an object that names a member twice is no value.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

# A JSON value: None, bool, str, Decimal, list or dict of such.
Value = Any

DEPTH = 100  # deeper values are not compared
_SIZE = 1 << 20  # characters; longer texts are not compared
_MARKS = 32  # combining marks in a row: normalizing takes quadratic time in their number
_LONGEST = 120  # characters of a value that stands in a key as it is


class NotJson(ValueError):
    """A text or an object that is no JSON value, or too large or too deep to compare."""


def parse(text: str) -> Value:
    """The value of a JSON text; a byte order mark before it is ignored. Raises NotJson."""
    text = text.removeprefix("\ufeff")
    if len(text) > _SIZE:
        raise NotJson("too long to compare")
    try:
        value = json.loads(
            text,
            parse_int=Decimal,
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_members,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotJson("no JSON") from error
    _check(value, DEPTH)
    return value


def of(thing: object, depth: int = DEPTH) -> Value:
    """The value of Python objects as `json.loads` makes them. Raises NotJson."""
    if thing is None or isinstance(thing, bool | str):
        return thing
    if depth == 0:
        raise NotJson("nested too deeply")
    if isinstance(thing, int | Decimal):
        number = Decimal(thing)
    elif isinstance(thing, float):
        number = Decimal(repr(thing))
    elif isinstance(thing, Mapping):
        if not all(isinstance(name, str) for name in thing):
            raise NotJson("a member's name is no string")
        return _members([(name, of(inner, depth - 1)) for name, inner in thing.items()])
    elif isinstance(thing, list | tuple):
        return [of(item, depth - 1) for item in thing]
    else:
        raise NotJson(f"{type(thing).__name__} is no JSON")
    if not number.is_finite():
        raise NotJson("no finite number")
    return number


def canonical(value: Value) -> str:
    """The one spelling that equal values share: ASCII, sorted names, no spaces.

    Numbers are written as exact digits and exponent: 1200 is `12e2`, and 0 is `0`.
    """
    if isinstance(value, str):
        return _quoted(value if value.isascii() else nfc(value))
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dict):
        members = [f"{_quoted(name)}:{canonical(value[name])}" for name in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return "null" if value is None else "true" if value else "false"


def nfc(words: str) -> str:
    """`words` in Unicode's form NFC, unless marks are heaped up in it to burn time."""
    if words.isascii():
        return words
    run = 0
    for character in words:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > _MARKS:
            return words
    return unicodedata.normalize("NFC", words)


def short(said: str) -> str:
    """`said` as it is, or `#` and its hash where it is long."""
    if len(said) <= _LONGEST:
        return said
    return f"#{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _members(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = {nfc(name): value for name, value in pairs}
    if len(found) < len(pairs):
        raise NotJson("two members have one name")
    return found


def _check(value: Value, depth: int) -> None:
    """Raises NotJson for what is nested deeper than `depth`."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise NotJson("nested too deeply")


def _number(value: Decimal) -> str:
    plain = str(value)
    if plain.isdigit() and plain[-1] != "0":
        return plain
    # Decimal's own normalize() rounds, and overflows.
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    bare = text.rstrip("0")
    power = int(exponent) + len(text) - len(bare)
    return f"{'-' * sign}{bare}{f'e{power}' if power else ''}"


def _refuse(constant: str) -> Any:
    raise NotJson(f"{constant} is no JSON")
