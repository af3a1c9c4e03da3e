"""Answers as Ollama's lines of JSON."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from ..ballot import Answer, Finish, ToolCall
from ..chat import Delta, Done, Event
from ..errors import SwarmError
from .completions_wire import Numbered
from .errors import fault_of, object_of
from .policy import Settled
from .render import swarm_field


def now() -> str:
    """The time as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class NativeWire:
    """The answer to /api/chat. `asked` is the model name that the caller used, and gets back."""

    media_type = "application/x-ndjson"

    def __init__(self, settled: Settled, *, asked: str | None) -> None:
        self._settled = settled
        self._model = asked or settled.request.model
        self._started = time.monotonic()
        self._first: float | None = None

    def whole(self, event: Event) -> dict[str, Any] | None:
        """See Wire."""
        if isinstance(event, Delta):
            self._first = self._first or time.monotonic()
        return self._last(event, event.answer) if isinstance(event, Done) else None

    def opened(self) -> str:
        """See Wire."""
        return ""

    def said(self, event: Event) -> tuple[str, bool]:
        """See Wire. Lines of JSON know no comments."""
        if isinstance(event, Delta):
            self._first = self._first or time.monotonic()
            return _line({**self._head(), **self._content(event.answer), "done": False}), True
        if isinstance(event, Done):
            return _line(self._last(event, Answer())), True
        return "", False

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        return _line({**self._head(), **self._content(Answer()), "done": False}) if seen else ""

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return _line(object_of(fault_of(error), "/api/"))

    def _content(self, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        if answer.reasoning:
            message["thinking"] = answer.reasoning
        if answer.tool_calls:
            message["tool_calls"] = [_call(call) for call in answer.tool_calls]
        return {"message": message}

    def _last(self, done: Done, answer: Answer) -> dict[str, Any]:
        ended, winner = time.monotonic(), done.verdict.winner
        first = self._first or ended
        details = self._settled.request.swarm.include_ballots
        return {
            **self._head(),
            **self._content(answer),
            "done": True,
            "done_reason": "length" if done.finish is Finish.LENGTH else "stop",
            "total_duration": _nanoseconds(ended - self._started),
            "load_duration": 0,
            "prompt_eval_count": done.verdict.prompt_tokens,
            "prompt_eval_duration": _nanoseconds(first - self._started),
            "eval_count": winner.tokens if winner else 0,
            "eval_duration": _nanoseconds(winner.seconds if winner else ended - first),
            "swarm": swarm_field(done, details=details, why=self._settled.why),
        }

    def _head(self) -> dict[str, Any]:
        return {"model": self._model, "created_at": now()}


class GenerateWire(NativeWire):
    """The answer to /api/generate."""

    def _content(self, answer: Answer) -> dict[str, Any]:
        thinking = {"thinking": answer.reasoning} if answer.reasoning else {}
        return {"response": answer.text, **thinking}


class BareWire:
    """The answer to /api/generate without a chat."""

    media_type = "application/x-ndjson"

    def __init__(self, model: str) -> None:
        self._model, self._text, self._started = model, "", time.monotonic()

    def whole(self, event: Numbered) -> dict[str, Any] | None:
        """See Wire."""
        self._text += event.part.text
        return self._line(event, self._text) if event.last else None

    def opened(self) -> str:
        """See Wire."""
        return ""

    def said(self, event: Numbered) -> tuple[str, bool]:
        """See Wire."""
        return _line(self._line(event, event.part.text)), True

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        empty = {"model": self._model, "created_at": now(), "response": "", "done": False}
        return _line(empty) if seen else ""

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return _line(object_of(fault_of(error), "/api/"))

    def _line(self, event: Numbered, text: str) -> dict[str, Any]:
        line: dict[str, Any] = {"model": self._model, "created_at": now(), "response": text}
        if not event.last:
            return {**line, "done": False}
        return {
            **line,
            "done": True,
            "done_reason": "length" if event.part.finish is Finish.LENGTH else "stop",
            "total_duration": _nanoseconds(time.monotonic() - self._started),
            "prompt_eval_count": event.part.prompt_tokens,
            "eval_count": event.part.tokens,
        }


def _call(call: ToolCall) -> dict[str, Any]:
    """Arguments are an object here."""
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = {}
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments}}


def _line(made: dict[str, Any]) -> str:
    return json.dumps(made) + "\n"


def _nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e9))
