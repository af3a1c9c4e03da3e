"""The words that all kinds of canonical answers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

CALL = "tool_call:"
REFUSAL = "refusal:"


class Kind(StrEnum):
    """What a request asks for. It comes from the request, never from an answer."""

    NUMBER = "number"
    CHOICE = "choice"
    DATE = "date"
    SHORT = "short"
    JSON = "json"
    CODE = "code"
    TEXT = "text"


class Key(NamedTuple):
    """What an answer says: answers with the same `value` ("number:3/4", "choice:B") are equal.

    `alias` is a second value, without unit, that the answer may be meant by: "1.5 km" has the
    value "number:1500 m" and the alias "number:3/2". See join.
    """

    value: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the canonical keys must know of a request.

    `options` maps the letters of a multiple choice to their texts, `tools` the names of the
    offered tools to the JSON schemas of their arguments (None where there is none; an empty
    mapping accepts any call), `schema` is that of a JSON answer. Calls of `side_effects` change
    something in the world.
    """

    kind: Kind
    question: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    side_effects: frozenset[str] = frozenset()
    schema: Mapping[str, Any] | None = None
