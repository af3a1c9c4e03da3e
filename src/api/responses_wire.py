"""Answers as OpenAI's response objects and their events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ..ballot import Answer, Finish
from ..chat import Delta, Done, Event, Progress
from ..errors import SwarmError
from .errors import fault_of
from .policy import Settled
from .render import calls, swarm_field

_ECHOED = ("instructions", "max_output_tokens", "metadata", "temperature", "text", "top_p", "user")
_EMPTY = {"message": "content", "reasoning": "content", "function_call": "arguments"}


class ResponsesWire:
    """One response. `body` is what was asked; parts of it are echoed."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, settled: Settled, body: Mapping[str, Any]) -> None:
        self._settled, self._body = settled, body
        self._created = int(time.time())
        self._sequence = -1
        self._output: list[dict[str, Any]] = []  # finished items
        self._item: dict[str, Any] | None = None  # the one that grows
        self._text = ""  # of the item that grows

    def whole(self, event: Event) -> dict[str, Any] | None:
        """See Wire."""
        if not isinstance(event, Done):
            return None
        self._said(event.answer)
        if not self._output and self._item is None:
            self._begin("message")
        self._end()
        return self._done(event)

    def opened(self) -> str:
        """See Wire."""
        response = self._response("in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def said(self, event: Event) -> tuple[str, bool]:
        """See Wire."""
        if isinstance(event, Progress):
            return f": swarm {event.cast}/{event.seats} ballots {event.tokens} tokens\n\n", False
        if isinstance(event, Delta):
            return self._said(event.answer), True
        begun = "" if self._output or self._item else self._begin("message")
        ended = self._end()
        last = self._done(event)
        return begun + ended + self._event(f"response.{last['status']}", response=last), True

    def alive(self, *, seen: bool) -> str:
        """See Wire. Codex counts events and ignores comments."""
        if not seen:
            return ": waiting\n\n"
        return self._event("response.in_progress", response=self._response("in_progress"))

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        fault = fault_of(error)
        failed = self._response("failed")
        failed["error"] = {"code": fault.code or "server_error", "message": fault.message}
        return self._event("response.failed", response=failed)

    def _said(self, answer: Answer) -> str:
        said = ""
        if answer.reasoning:
            said += self._grow("reasoning", "response.reasoning_text.delta", answer.reasoning)
        if answer.text:
            said += self._grow("message", "response.output_text.delta", answer.text)
        for call in calls(answer.tool_calls):
            function = call["function"]
            said += self._end()
            said += self._begin("function_call", call_id=call["id"], name=function["name"])
            kind = "response.function_call_arguments.delta"
            said += self._grow("function_call", kind, function["arguments"])
        return said

    def _grow(self, kind: str, event: str, text: str) -> str:
        begun = ""
        if self._item is None or self._item["type"] != kind:
            begun = self._end() + self._begin(kind)
        self._text += text
        return begun + self._event(event, delta=text, **self._place(kind))

    def _begin(self, kind: str, **fields: Any) -> str:
        prefix = {"message": "msg", "reasoning": "rs", "function_call": "fc"}[kind]
        item: dict[str, Any] = {"id": f"{prefix}_{uuid.uuid4().hex}", "type": kind}
        item["status"] = "in_progress"
        item |= {"role": "assistant"} if kind == "message" else {}
        item |= {"summary": []} if kind == "reasoning" else {}
        empty: Any = "" if kind == "function_call" else []
        self._item, self._text = {**item, _EMPTY[kind]: empty, **fields}, ""
        index = len(self._output)
        said = self._event("response.output_item.added", output_index=index, item=self._item)
        if kind != "function_call":
            said += self._event(
                "response.content_part.added", part=_part(kind, ""), **self._place(kind)
            )
        return said

    def _end(self) -> str:
        """Finishes the item that grows."""
        item = self._item
        if item is None:
            return ""
        kind, place = item["type"], self._place(item["type"])
        item = {**item, "status": "completed"}
        if kind == "function_call":
            item["arguments"] = self._text
            said = self._event(
                "response.function_call_arguments.done",
                arguments=self._text,
                name=item["name"],
                **place,
            )
        else:
            part = _part(kind, self._text)
            item["content"] = [part]
            name = "output_text" if kind == "message" else "reasoning_text"
            logprobs: dict[str, Any] = {"logprobs": []} if kind == "message" else {}
            said = self._event(f"response.{name}.done", text=self._text, **logprobs, **place)
            said += self._event("response.content_part.done", part=part, **place)
        index = len(self._output)
        self._output.append(item)
        self._item = None
        return said + self._event("response.output_item.done", output_index=index, item=item)

    def _place(self, kind: str) -> dict[str, Any]:
        item = self._item or {}
        place: dict[str, Any] = {"item_id": item.get("id"), "output_index": len(self._output)}
        return place if kind == "function_call" else {**place, "content_index": 0}

    def _done(self, event: Done) -> dict[str, Any]:
        cut = event.finish is Finish.LENGTH
        made = self._response("incomplete" if cut else "completed")
        if cut:
            made["incomplete_details"] = {"reason": "max_output_tokens"}
        of = event.verdict
        completion = of.winner.tokens if of.winner else 0
        made["usage"] = {
            "input_tokens": of.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": of.prompt_tokens + completion,
        }
        details = self._settled.request.swarm.include_ballots
        return {**made, "swarm": swarm_field(event, details=details, why=self._settled.why)}

    def _response(self, status: str) -> dict[str, Any]:
        body = self._body
        return {
            "id": self._settled.request.id.replace("chatcmpl-", "resp_"),
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._settled.request.model,
            "output": list(self._output),
            "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
            "previous_response_id": None,
            "store": False,
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "usage": None,
            **{name: body.get(name) for name in _ECHOED},
        }

    def _event(self, name: str, /, **fields: Any) -> str:
        self._sequence += 1
        data = {"type": name, "sequence_number": self._sequence, **fields}
        return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "reasoning":
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
