"""From a dataclass of arguments to its JSON schema, and from a model's JSON to the dataclass.

Fields are `str`, `int` or `int | None`, annotated with `Says`. What a small model gets wrong is
mended only where the schema leaves one reading: a number in quotes, null for a default.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, TypeVar, get_args, get_type_hints

from ..errors import ToolError

A = TypeVar("A")
_LONGEST = 4 * 2**20  # characters of all arguments together
_HALF = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"-?\d{1,9}(\.0+)?")


@dataclasses.dataclass(frozen=True, slots=True)
class Says:
    """What the schema says of an argument; `least` and `most` bound a number."""

    text: str = ""
    least: int | None = None
    most: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: type
    says: Says
    default: Any  # dataclasses.MISSING where it is required

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING

    def schema(self) -> dict[str, Any]:
        told: dict[str, Any] = {"type": "integer" if self.kind is int else "string"}
        if self.says.text:
            told["description"] = self.says.text
        for name, value in (("minimum", self.says.least), ("maximum", self.says.most)):
            if value is not None:
                told[name] = value
        # A vote takes an argument that is spelled out with its default for one that is left out.
        if not self.required and self.default is not None:
            told["default"] = self.default
        return told

    def read(self, value: Any) -> Any:
        """The value of this argument. Raises ValueError with a reason."""
        if value is None and not self.required:
            return self.default
        if self.kind is str:
            return _text(value)
        number = _number(value)
        least, most = self.says.least, self.says.most
        if least is not None and number < least:
            raise ValueError(
                f"must be between {least} and {most}" if most else f"must be at least {least}"
            )
        if most is not None and number > most:
            raise ValueError(f"must be between {least} and {most}")
        return number


def _fields(kind: type) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    made = []
    for each in dataclasses.fields(kind):
        hint, says = hints[each.name], Says()
        if hasattr(hint, "__metadata__"):
            hint, says = hint.__origin__, hint.__metadata__[0]
        made.append(_Field(each.name, (get_args(hint) or (hint,))[0], says, each.default))
    return tuple(made)


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON schema of a dataclass of arguments; properties in the order of its fields."""
    return {
        "type": "object",
        "properties": {each.name: each.schema() for each in _fields(kind)},
        "required": [each.name for each in _fields(kind) if each.required],
        "additionalProperties": False,
    }


def parsed(tool: str, kind: type[A], arguments_json: str) -> A:
    """The arguments as a `kind`. Raises ToolError, which says what `tool` takes."""
    known = _fields(kind)
    takes = ", ".join(each.name if each.required else f"{each.name}?" for each in known)
    hint = f"{tool} takes {takes}."
    values = _object(tool, arguments_json, hint)
    for name in values:
        if name not in {each.name for each in known}:
            raise ToolError(f"{tool} has no argument {name[:40]!r}.", hint=hint)
    read = {}
    for each in known:
        if each.required and values.get(each.name) is None:
            raise ToolError(f"{tool} lacks the argument {each.name!r}.", hint=hint)
        try:
            read[each.name] = each.read(values.get(each.name))
        except ValueError as error:
            raise ToolError(f"The argument {each.name!r} of {tool} {error}.", hint=hint) from None
    return kind(**read)


def _object(tool: str, text: str, hint: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise ToolError(f"The arguments of {tool} are longer than {_LONGEST} characters.")
    try:
        value = json.loads(text.strip("\ufeff \t\r\n") or "{}", object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", None) or str(error)[:80]
        raise ToolError(f"The arguments of {tool} are no JSON ({why}).", hint=hint) from None
    if not isinstance(value, dict):
        raise ToolError(f"The arguments of {tool} are no JSON object.", hint=hint)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):  # which of the two was voted on?
        raise ValueError("it names a member twice")
    return made


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    if _HALF.search(value):
        raise ValueError("has half of a surrogate pair")
    return value


def _number(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is no whole number")
    return value
