"""What a ballot says, as a key that equal answers share: one file a kind.

Keys are total functions: they never raise, and None abstains. VERSION changes with any change
of a key, because machines compare keys with one another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...ballot import Ballot, Finish
from ...chat import ChatRequest
from . import choice, code, date, json_value, number, text, tool_call
from .join import join
from .key import CALL, REFUSAL, Asked, Key, Kind
from .refusal import is_refusal
from .span import final_span, is_open, strip_thoughts

__all__ = ["CALL", "REFUSAL", "VERSION", "Asked", "Key", "Kind", "asked_of", "join", "key_of"]

VERSION = 3
_JSON = re.compile(r"\s*(?:```(?:json)?\s*)?[{\[]")


def asked_of(request: ChatRequest) -> Asked:
    """What `request` asks for. The last user message decides, with tools and response_format."""
    question = request.question
    tools = {
        str(_function(tool).get("name")): {**tool, **_function(tool)} for tool in request.tools
    }
    changing = frozenset(name for name, tool in tools.items() if tool_call.side_effect(name, tool))
    options = choice.options(question)
    kind, schema = Kind.TEXT, None
    form = request.response_format or {}
    if form.get("type") in ("json_object", "json_schema"):
        kind, schema = Kind.JSON, _schema(form)
    elif code.is_asked(question):
        kind = Kind.CODE
    elif options:
        kind = Kind.CHOICE
    elif date.is_asked(question):
        kind = Kind.DATE
    elif number.is_asked(question):
        kind = Kind.NUMBER
    elif text.is_short(question):
        kind = Kind.SHORT
    return Asked(
        kind=kind,
        question=question,
        options=options,
        tools={name: _mapping(tool.get("parameters")) for name, tool in tools.items()},
        side_effects=changing,
        schema=schema,
    )


def key_of(asked: Asked, ballot: Ballot) -> Key | None:
    """The canonical key of a ballot; None when the ballot is not valid.

    Empty, failed and truncated answers are not valid, unless a final answer stands in them.
    """
    answer = ballot.answer
    if ballot.finish is Finish.ERROR:
        return None
    cut = ballot.finish is Finish.LENGTH
    if answer.tool_calls:
        return None if cut else tool_call.key(answer.tool_calls, asked.tools)
    words = strip_thoughts(answer.text)
    if not words.strip():
        return None
    return _words(asked, words, cut=cut)


def _words(asked: Asked, words: str, *, cut: bool) -> Key | None:
    if is_refusal(words):
        return Key(REFUSAL)
    if asked.kind is Kind.JSON:  # a cut one does not parse
        return json_value.key(words, asked.schema)
    if asked.kind is Kind.CODE and not code.is_prose(words, asked.question):
        return None if cut else code.key(words, asked.question)
    span = final_span(words)
    if cut and (span is None or is_open(words)):
        return None
    if asked.kind is Kind.CHOICE and (letter := choice.key(words, span, asked.options)):
        return letter
    if asked.kind is Kind.DATE and (day := date.key(words if span is None else span)):
        return day
    if asked.kind is Kind.SHORT:
        return text.short(words, span, asked.question)
    if asked.kind is Kind.NUMBER:
        if span is None:
            return date.day(words) or number.lone(words) or number.last(words) or text.key(words)
        return date.day(span) or number.key(span) or number.only(span) or text.key(span)
    if span is not None:
        return number.key(span, strict=True) or text.key(span)
    if _JSON.match(words) and (value := json_value.key(words)):  # asked for in words only
        return value
    return text.key(words)


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(tool.get("function")) or tool


def _schema(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if form.get("type") == "json_object" and "schema" not in form:
        return {"type": "object"}
    named = _mapping(form.get("json_schema")) or {}
    return _mapping(named.get("schema")) or _mapping(form.get("schema"))


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None
