"""The messages of a task, kept within the model's context: old results of tools are shortened, and
say so. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ContextOverflow

Message = Mapping[str, Any]
_KEPT = 240  # characters of a shortened text, half from its head and half from its tail
_EACH = 24  # what a template writes around a message


_CHARACTERS = 3.0  # a token, until an overflow tells better


@dataclass(frozen=True, slots=True)
class Fitted:
    """`messages` to send, `shortened` of them by a mark; `fits` says whether that is enough."""

    messages: tuple[Message, ...]
    shortened: int
    fits: bool


class Gauge:
    """How much of a conversation fits a context of `context` tokens (None: not known yet) beside
    `offered` characters of tools and room for an answer."""

    def __init__(self, context: int | None, offered: int) -> None:
        self._context, self._offered = context, offered
        self._characters = _CHARACTERS

    def fit(self, messages: Sequence[Message]) -> Fitted:
        """`messages`, shortened as far as need be."""
        if self._context is None:
            return Fitted(tuple(messages), 0, True)
        answer = min(1024, self._context // 4)
        room = (self._context - answer) * self._characters - self._offered
        return fitted(messages, int(room))

    def learn(self, sent: Sequence[Message], error: ContextOverflow) -> bool:
        """Takes the sizes that the node told; whether a shorter conversation can be sent now."""
        before = self.fit(sent)
        self._context = error.context
        if error.prompt_tokens:
            told = (size(sent) + self._offered) / error.prompt_tokens
            self._characters = min(self._characters, told)
        after = self.fit(sent)
        return size(after.messages) < size(before.messages)


def size(messages: Sequence[Message]) -> int:
    """About how many characters a template makes of `messages`."""
    return sum(
        _EACH
        + len(str(message.get("content") or ""))
        + sum(len(_arguments(call)) + _EACH for call in message.get("tool_calls") or ())
        for message in messages
    )


def fitted(messages: Sequence[Message], room: int) -> Fitted:
    """`messages` in at most `room` characters, as far as shortening brings them there.

    The oldest results of tools go first, then what old calls wrote, then the latest result.
    What the user and the model said in words is never touched.
    """
    made = list(messages)
    latest = max((at for at, m in enumerate(made) if m["role"] == "tool"), default=-1)
    calls = [at for at, m in enumerate(made) if m.get("tool_calls") and at < latest - 1]
    results = [at for at, m in enumerate(made) if m["role"] == "tool" and at != latest]
    shortened = 0
    total = size(made)
    for at in (*results, *calls, *([latest] if latest >= 0 else [])):
        if total <= room:
            break
        shorter = _result(made[at]) if made[at]["role"] == "tool" else _calls(made[at])
        saved = size([made[at]]) - size([shorter])
        if saved > 0:
            made[at] = shorter
            total -= saved
            shortened += 1
    return Fitted(tuple(made), shortened, total <= room)


def _result(message: Message) -> Message:
    hint = "call the tool again to see it"
    return {**message, "content": _short(str(message.get("content") or ""), hint)}


def _calls(message: Message) -> Message:
    return {**message, "tool_calls": [_call(call) for call in message["tool_calls"]]}


def _call(call: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        arguments = json.loads(_arguments(call))
    except (ValueError, RecursionError):
        return call
    if not isinstance(arguments, dict):
        return call
    shorter = {
        name: _short(value, "it was written then") if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    text = json.dumps(shorter, ensure_ascii=False)
    return {**call, "function": {**call["function"], "arguments": text}}


def _arguments(call: Mapping[str, Any]) -> str:
    return str(call["function"]["arguments"])


def _short(text: str, hint: str) -> str:
    left = len(text) - _KEPT
    mark = f"\n[{left} characters left out to fit the context; {hint}]\n"
    if left <= len(mark):
        return text
    return text[: _KEPT // 2] + mark + text[-_KEPT // 2 :]
