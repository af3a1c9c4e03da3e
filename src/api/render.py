"""Our words in OpenAI's JSON: completions, chunks, usage and the verdict field. Pure."""

from __future__ import annotations

import json
import time
from typing import Any

from ..ballot import Answer, ToolCall, Verdict
from ..chat import ChatRequest, Done

_FINGERPRINT = "b1-local-swarm"


class Renderer:
    """Renders one answer; all its chunks share id, time and model name."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._created = int(time.time())

    def completion(self, done: Done) -> dict[str, Any]:
        """The whole answer as one object."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": done.answer.text or (None if done.answer.tool_calls else ""),
            "refusal": None,
            "annotations": [],
        }
        if done.answer.reasoning:
            message["reasoning_content"] = done.answer.reasoning
        if done.answer.tool_calls:
            message["tool_calls"] = [_call(call) for call in done.answer.tool_calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": done.finish.value,
        }
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage(done.verdict),
            "swarm": verdict(done.verdict, details=self._request.swarm.include_ballots),
        }

    def first(self) -> str:
        """The chunk that opens a stream; some clients fail without its role."""
        return self._chunk({"role": "assistant", "content": ""})

    def delta(self, answer: Answer) -> str:
        """A chunk with the next part of the answer."""
        delta: dict[str, Any] = {}
        if answer.reasoning:
            delta["reasoning_content"] = answer.reasoning
        if answer.text or not (answer.reasoning or answer.tool_calls):
            delta["content"] = answer.text
        if answer.tool_calls:
            delta["tool_calls"] = [
                {"index": at, **_call(call)} for at, call in enumerate(answer.tool_calls)
            ]
        return self._chunk(delta)

    def idle(self) -> str:
        """A chunk that says nothing, for clients that count chunks as signs of life."""
        return self._chunk({})

    def last(self, done: Done) -> str:
        """The chunk with the finish reason and the verdict."""
        return self._chunk({}, done)

    def usage(self, done: Done) -> str:
        """The extra chunk for `stream_options.include_usage`."""
        head = self._head("chat.completion.chunk")
        return json.dumps({**head, "choices": [], "usage": usage(done.verdict)})

    def _chunk(self, delta: dict[str, Any], done: Done | None = None) -> str:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": done.finish.value if done else None,
        }
        chunk = {**self._head("chat.completion.chunk"), "choices": [choice]}
        if done:
            details = self._request.swarm.include_ballots
            chunk["swarm"] = verdict(done.verdict, details=details)
        return json.dumps(chunk)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._request.id,
            "object": kind,
            "created": self._created,
            "model": self._request.model,
            "system_fingerprint": _FINGERPRINT,
        }


def usage(of: Verdict) -> dict[str, int]:
    """What the client asked and got: the prompt once, the winner's tokens."""
    completion = of.winner.tokens if of.winner else 0
    return {
        "prompt_tokens": of.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": of.prompt_tokens + completion,
    }


def verdict(of: Verdict, *, details: bool) -> dict[str, Any]:
    """The `swarm` field; with `details` the groups' texts and every ballot."""
    winner = of.winner
    rendered: dict[str, Any] = {
        "status": of.status.value,
        "strategy": of.strategy,
        "share": of.share,
        "confidence": _round(of.confidence),
        "seats": of.asked,
        "ballots": of.cast,
        "cancelled": of.cancelled,
        "abstained": of.abstained,
        "machines": of.machines,
        "groups": [
            {"key": g.key, "votes": g.votes, "weight": g.weight}
            | ({"text": g.text} if details else {})
            for g in of.groups
        ],
        "winner": winner
        and {"machine": winner.machine, "worker": winner.voter, "model": winner.model},
        "tokens": {"total": of.total_tokens, "winner": winner.tokens if winner else 0},
        "seconds": round(of.seconds, 4),
        "degraded": of.degraded,
    }
    if details:
        rendered["details"] = [
            {
                "worker": ballot.voter,
                "key": of.keys.get(at),
                "text": ballot.answer.text,
                "tool_calls": [_call(call) for call in ballot.answer.tool_calls],
                "finish_reason": ballot.finish.value,
                "confidence": _round(ballot.confidence),
                "tokens": ballot.tokens,
                "seconds": round(ballot.seconds, 4),
            }
            for at, ballot in enumerate(of.ballots)
        ]
    return rendered


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
