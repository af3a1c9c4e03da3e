"""OpenAI's chat completions and models."""

from __future__ import annotations

import json
import time
from typing import Any

from fastapi import APIRouter, Request

from ..chat import Delta, Done, Event, Progress
from ..errors import ModelNotFound, SwarmError
from ..status import ModelCard
from .answer import AnswerResponse
from .errors import fault_of, object_of
from .front import Front
from .policy import Settled
from .render import best, calls, logprobs, message, swarm_field, usage
from .schema import ChatBody

FINGERPRINT = "b1-local-swarm"


def routes(front: Front) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter()

    @router.get("/v1/models")
    @router.get("/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_card(card) for card in front.source.cards()]}

    @router.get("/v1/models/{name:path}")
    @router.get("/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        cards = {card.id: card for card in front.source.cards()}
        if name not in cards:
            raise ModelNotFound(name, list(cards))
        return _card(cards[name])

    @router.post("/v1/chat/completions", response_model=None)
    @router.post("/chat/completions", response_model=None)
    async def chat(body: ChatBody, request: Request) -> AnswerResponse[Event]:
        options = body.stream_options
        return front.chat(
            body,
            request.headers,
            lambda settled: ChatWire(
                settled,
                choices=body.n or 1,
                include_usage=bool(options and options.include_usage),
            ),
            stream=bool(body.stream),
        )

    return router


class ChatWire:
    """Chat completions and their chunks; all chunks share id, time and model name."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, settled: Settled, *, choices: int, include_usage: bool) -> None:
        self._request, self._why = settled.request, settled.why
        self._choices, self._include_usage = choices, include_usage
        self._created = int(time.time())

    def whole(self, event: Event) -> dict[str, Any] | None:
        """See Wire."""
        if not isinstance(event, Done):
            return None
        answers = best(event, self._choices)
        return {
            **self._head("chat.completion"),
            "choices": [
                {
                    "index": at,
                    "message": message(answer),
                    "logprobs": logprobs(answer),
                    "finish_reason": finish.value,
                }
                for at, (answer, finish, _) in enumerate(answers)
            ],
            "usage": usage(event.verdict, sum(tokens for _, _, tokens in answers)),
            "swarm": self._swarm(event),
        }

    def opened(self) -> str:
        """See Wire. Some clients fail without the role."""
        return self._chunk({"role": "assistant", "content": ""})

    def said(self, event: Event) -> tuple[str, bool]:
        """See Wire."""
        if isinstance(event, Progress):
            return f": swarm {event.cast}/{event.seats} ballots {event.tokens} tokens\n\n", False
        if isinstance(event, Delta):
            return self._delta(event), True
        return self._last(event), True

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        return self._chunk({"content": ""}) if seen else ": waiting\n\n"

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return _data(object_of(fault_of(error), ""))

    def _delta(self, event: Delta, index: int = 0) -> str:
        answer = event.answer
        delta: dict[str, Any] = {"content": answer.text or None}
        if answer.reasoning:
            delta["reasoning_content"] = answer.reasoning
        if answer.tool_calls:
            delta["tool_calls"] = [
                {"index": at, **call} for at, call in enumerate(calls(answer.tool_calls))
            ]
        return self._chunk(delta, index, chances=logprobs(answer))

    def _last(self, done: Done) -> str:
        answers = best(done, self._choices)
        said = ""
        for at, (answer, _, _) in enumerate(answers[1:], start=1):
            said += self._chunk({"role": "assistant", "content": ""}, at)
            said += self._delta(Delta(answer), at)
        for at, (_, finish, _) in reversed(list(enumerate(answers))):
            extra = {} if at else {"swarm": self._swarm(done)}
            said += self._chunk({"content": ""}, at, finish.value, extra)
        if self._include_usage:
            counted = usage(done.verdict, sum(tokens for _, _, tokens in answers))
            head = self._head("chat.completion.chunk")
            said += _data({**head, "choices": [], "usage": counted})
        return said + "data: [DONE]\n\n"

    def _chunk(
        self,
        delta: dict[str, Any],
        index: int = 0,
        finish: str | None = None,
        extra: dict[str, Any] | None = None,
        chances: dict[str, Any] | None = None,
    ) -> str:
        choice = {"index": index, "delta": delta, "logprobs": chances, "finish_reason": finish}
        return _data({**self._head("chat.completion.chunk"), "choices": [choice], **(extra or {})})

    def _swarm(self, done: Done) -> dict[str, Any]:
        return swarm_field(done, details=self._request.swarm.include_ballots, why=self._why)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._request.id,
            "object": kind,
            "created": self._created,
            "model": self._request.model,
            "system_fingerprint": FINGERPRINT,
        }


def _data(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk)}\n\n"


def _card(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "object": "model",
        "created": 0,
        "owned_by": "local-swarm",
        "description": card.description,
        "context_length": card.context,
        "max_model_len": card.context,
        "meta": {"n_ctx": card.context, "n_ctx_train": card.context, "model": card.model},
    }
