"""Completed text in the forms of OpenAI, Mistral and llama.cpp."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ballot import TokenChance
from ..capabilities import Part
from ..errors import SwarmError
from .errors import fault_of, object_of


@dataclass(frozen=True, slots=True)
class Numbered:
    """A part of the answer number `at`; `last` ends the last answer."""

    at: int
    part: Part
    last: bool


@dataclass(slots=True)
class _Said:
    """What one answer has said so far."""

    text: str
    chances: list[TokenChance] = field(default_factory=list)
    finish: str | None = None


class TextWire:
    """OpenAI's legacy completions. `echoes` begin the answers, one each."""

    media_type = "text/event-stream; charset=utf-8"
    _kind = "text_completion"

    def __init__(
        self, id: str, model: str, echoes: Sequence[str], *, include_usage: bool = False
    ) -> None:
        self._id, self._model, self._include_usage = id, model, include_usage
        self._created = int(time.time())
        self._said = [_Said(echo) for echo in echoes]
        self._fresh = [bool(echo) for echo in echoes]  # whose echo was not streamed yet
        self._prompt_tokens = self._tokens = 0

    def whole(self, event: Numbered) -> dict[str, Any] | None:
        """See Wire."""
        said, part = self._said[event.at], event.part
        said.text += part.text
        said.chances += part.chances
        self._count(part)
        if part.finish:
            said.finish = part.finish.value
        if not event.last:
            return None
        choices = [
            self._whole_choice(at, one) | {"index": at, "finish_reason": one.finish}
            for at, one in enumerate(self._said)
        ]
        return {**self._head(), "choices": choices, "usage": self._usage()}

    def opened(self) -> str:
        """See Wire."""
        return ""

    def said(self, event: Numbered) -> tuple[str, bool]:
        """See Wire."""
        part, echo = event.part, ""
        self._count(part)
        if self._fresh[event.at]:
            self._fresh[event.at], echo = False, self._said[event.at].text
        finish = part.finish.value if part.finish else None
        choice = self._choice(echo + part.text, part.chances)
        chunk = {
            **self._head(),
            "choices": [{**choice, "index": event.at, "finish_reason": finish}],
        }
        text = _data(chunk) if part.text or echo or finish else ""
        if event.last:
            if self._include_usage:
                text += _data({**self._head(), "choices": [], "usage": self._usage()})
            text += "data: [DONE]\n\n"
        return text, bool(text)

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        if not seen:
            return ": waiting\n\n"
        return _data({**self._head(), "choices": [{**self._choice("", ()), "index": 0}]})

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return _data(object_of(fault_of(error), ""))

    def _whole_choice(self, at: int, said: _Said) -> dict[str, Any]:
        return self._choice(said.text, said.chances)

    def _choice(self, text: str, chances: Sequence[TokenChance]) -> dict[str, Any]:
        return {"text": text, "logprobs": _logprobs(chances) if chances else None}

    def _count(self, part: Part) -> None:
        if part.finish:
            self._prompt_tokens += part.prompt_tokens
            self._tokens += part.tokens

    def _usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._tokens,
            "total_tokens": self._prompt_tokens + self._tokens,
        }

    def _head(self) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": self._kind,
            "created": self._created,
            "model": self._model,
        }


class FimWire(TextWire):
    """Mistral's fill-in-the-middle: the form of chats."""

    _kind = "chat.completion.chunk"

    def _whole_choice(self, at: int, said: _Said) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": said.text}}

    def _choice(self, text: str, chances: Sequence[TokenChance]) -> dict[str, Any]:
        return {"delta": {"role": "assistant", "content": text}}


class PlainWire:
    """llama.cpp's own form, of /completion and /infill."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self) -> None:
        self._text = ""

    def whole(self, event: Numbered) -> dict[str, Any] | None:
        """See Wire."""
        self._text += event.part.text
        return self._body(event, self._text) if event.last else None

    def opened(self) -> str:
        """See Wire."""
        return ""

    def said(self, event: Numbered) -> tuple[str, bool]:
        """See Wire."""
        return _data(self._body(event, event.part.text)), True

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        return _data({"content": "", "stop": False}) if seen else ": waiting\n\n"

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return _data(object_of(fault_of(error), ""))

    def _body(self, event: Numbered, text: str) -> dict[str, Any]:
        made: dict[str, Any] = {"index": 0, "content": text, "stop": event.last}
        if event.part.finish:
            cut = event.part.finish.value == "length"
            made["stop_type"] = "limit" if cut else "eos"
            made["tokens_predicted"] = event.part.tokens
            made["tokens_evaluated"] = event.part.prompt_tokens
        return made


def _logprobs(chances: Sequence[TokenChance]) -> dict[str, Any]:
    """The legacy form: parallel lists. Offsets count from the first of these tokens."""
    offsets, at = [], 0
    for chance in chances:
        offsets.append(at)
        at += len(chance.text)
    return {
        "tokens": [chance.text for chance in chances],
        "token_logprobs": [chance.logprob for chance in chances],
        "top_logprobs": [dict(chance.top) for chance in chances],
        "text_offset": offsets,
    }


def _data(made: dict[str, Any]) -> str:
    return f"data: {json.dumps(made)}\n\n"
