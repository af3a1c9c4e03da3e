"""Answers as Anthropic's messages and events."""

from __future__ import annotations

import json
from typing import Any

from ..ballot import Answer, Finish
from ..chat import Delta, Done, Event, Progress
from ..errors import SwarmError
from .errors import fault_of, object_of
from .policy import Settled
from .render import calls, swarm_field

_STOP = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.ERROR: "end_turn",
}


class MessagesWire:
    """One message. `asked` is the model name that the caller used, and gets back."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, settled: Settled, *, asked: str | None) -> None:
        self._settled = settled
        self._model = asked or settled.request.model
        self._open: str | None = None  # the kind of the block that is open
        self._index = -1

    def whole(self, event: Event) -> dict[str, Any] | None:
        """See Wire."""
        if not isinstance(event, Done):
            return None
        content: list[dict[str, Any]] = []
        if event.answer.reasoning:
            content.append(
                {"type": "thinking", "thinking": event.answer.reasoning, "signature": ""}
            )
        if event.answer.text or not event.answer.tool_calls:
            content.append({"type": "text", "text": event.answer.text})
        for call in calls(event.answer.tool_calls):
            content.append({**_use(call), "input": _object(call["function"]["arguments"])})
        return {
            **self._head(),
            "content": content,
            "stop_reason": _STOP[event.finish],
            "usage": _usage(event),
            "swarm": self._swarm(event),
        }

    def opened(self) -> str:
        """See Wire."""
        usage = {"input_tokens": 0, "output_tokens": 0}
        return _event("message_start", message={**self._head(), "content": [], "usage": usage})

    def said(self, event: Event) -> tuple[str, bool]:
        """See Wire."""
        if isinstance(event, Progress):
            return f": swarm {event.cast}/{event.seats} ballots {event.tokens} tokens\n\n", False
        if isinstance(event, Delta):
            return self._delta(event.answer), True
        opened = "" if self._index >= 0 else self._block("text", {"type": "text", "text": ""})
        last = _event(
            "message_delta",
            delta={"stop_reason": _STOP[event.finish], "stop_sequence": None},
            usage=_usage(event),
            swarm=self._swarm(event),
        )
        return opened + self._close() + last + _event("message_stop"), True

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        return _event("ping") if seen else ": waiting\n\n"

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return f"event: error\ndata: {json.dumps(object_of(fault_of(error), '/v1/messages'))}\n\n"

    def _delta(self, answer: Answer) -> str:
        said = ""
        if answer.reasoning:
            said += self._block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            said += self._part({"type": "thinking_delta", "thinking": answer.reasoning})
        if answer.text:
            said += self._block("text", {"type": "text", "text": ""})
            said += self._part({"type": "text_delta", "text": answer.text})
        for call in calls(answer.tool_calls):
            said += self._close() + self._block("tool_use", {**_use(call), "input": {}})
            arguments = call["function"]["arguments"]
            said += self._part({"type": "input_json_delta", "partial_json": arguments})
        return said

    def _block(self, kind: str, block: dict[str, Any]) -> str:
        """Opens a block, unless one of its kind is open."""
        if self._open == kind:
            return ""
        closed = self._close()
        self._open, self._index = kind, self._index + 1
        return closed + _event("content_block_start", index=self._index, content_block=block)

    def _part(self, delta: dict[str, Any]) -> str:
        return _event("content_block_delta", index=self._index, delta=delta)

    def _close(self) -> str:
        if self._open is None:
            return ""
        self._open = None
        return _event("content_block_stop", index=self._index)

    def _head(self) -> dict[str, Any]:
        return {
            "id": self._settled.request.id.replace("chatcmpl-", "msg_"),
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _swarm(self, done: Done) -> dict[str, Any]:
        details = self._settled.request.swarm.include_ballots
        return swarm_field(done, details=details, why=self._settled.why)


def _use(call: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": call["id"], "name": call["function"]["name"]}


def _object(arguments: str) -> dict[str, Any]:
    """Arguments as the object that they are in Anthropic's answers."""
    try:
        made = json.loads(arguments)
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


def _usage(done: Done) -> dict[str, int]:
    winner = done.verdict.winner
    return {
        "input_tokens": done.verdict.prompt_tokens,
        "output_tokens": winner.tokens if winner else 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def _event(name: str, **fields: Any) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"
