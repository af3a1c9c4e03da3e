"""A running node as a Responder: the OpenAI wire read back into our words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from ..ballot import Answer, Finish, ToolCall
from ..chat import ChatRequest, Delta, Done, Event, Progress
from ..errors import (
    ContextOverflow,
    EngineError,
    InvalidRequest,
    NoAnswer,
    NodeUnreachable,
    SwarmError,
    UsageError,
)
from .sse import Comment, lines, parse
from .verdict import read as read_verdict


class RemoteResponder:
    """Answers through the node at `url`. See chat.Responder."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = key_header(api_key)

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Raises NodeUnreachable when no node answers there."""
        timeout = httpx.Timeout(None, connect=5)
        try:
            async with (
                httpx.AsyncClient(headers=self._headers, timeout=timeout, trust_env=False) as http,
                http.stream(
                    "POST", f"{self._url}/v1/chat/completions", json=_body(request)
                ) as response,
            ):
                if response.status_code != 200:
                    raise error_of(response.status_code, await response.aread())
                reader = _Reader(request)
                async for event in parse(lines(response.aiter_bytes())):
                    for said in reader.read(event):
                        yield said
                yield reader.done()
        except httpx.ConnectError:
            raise unreachable(self._url) from None
        except httpx.TransportError as error:
            raise NodeUnreachable(f"The node at {self._url} went away: {error}.") from None


def key_header(api_key: str | None) -> httpx.Headers:
    """The header for an API key; none without one, an empty one is no valid header."""
    return httpx.Headers({b"Authorization": f"Bearer {api_key}".encode()} if api_key else {})


def unreachable(url: str) -> NodeUnreachable:
    """The error for an address where nothing listens."""
    return NodeUnreachable(
        f"No node answers at {url}.", hint="Start one in another terminal: local-swarm run"
    )


def error_of(status: int, content: bytes) -> SwarmError:
    """A node's error object as an exception of ours."""
    try:
        error = json.loads(content)["error"]
        message, code = str(error["message"]), str(error.get("code") or "")
    except (ValueError, KeyError, TypeError):
        return EngineError(f"The node answers {status}.")
    if code == ContextOverflow.code and {"n_prompt_tokens", "n_ctx"} <= error.keys():
        return ContextOverflow(int(error["n_prompt_tokens"]), int(error["n_ctx"]))
    if code == NoAnswer.code:
        return NoAnswer(message)
    if status in (400, 404, 413, 422):
        return InvalidRequest(message)
    made = UsageError(message) if status in (401, 403) else EngineError(message)
    made.code = code or made.code
    return made


def _body(request: ChatRequest) -> dict[str, Any]:
    options = {
        "seats": request.swarm.seats,
        "strategy": request.swarm.strategy,
        "deadline_s": request.swarm.deadline_s,
        "early_stop": request.swarm.early_stop,
        "include_ballots": True,
        "epsilon": request.swarm.epsilon or None,
        "by_confidence": request.swarm.by_confidence or None,
        "waves": request.swarm.waves,
        "escalate": request.swarm.escalate,
        "draft": request.swarm.draft or None,
        "scope": request.swarm.scope,
        "local_only": request.swarm.local_only or None,
    }
    body: dict[str, Any] = {
        **request.sampling,
        "model": request.model,
        "messages": list(request.messages),
        "stream": True,
        "swarm": {name: value for name, value in options.items() if value is not None},
    }
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.tools:
        body["tools"] = list(request.tools)
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
    if request.response_format is not None:
        body["response_format"] = dict(request.response_format)
    return body


class _Reader:
    """Collects the chunks of one answer."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._text = ""
        self._reasoning = ""
        self._calls: dict[int, ToolCall] = {}
        self._finish: Finish | None = None
        self._swarm: Mapping[str, Any] | None = None

    def read(self, event: str | Comment) -> list[Event]:
        """The events that one SSE event means."""
        if isinstance(event, Comment):
            return self._comment(event.text)
        chunk = json.loads(event)
        if "error" in chunk:
            raise error_of(500, event.encode())
        self._swarm = chunk.get("swarm") or self._swarm
        said: list[Event] = []
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta") or {}
            text, reasoning = delta.get("content") or "", delta.get("reasoning_content") or ""
            calls = tuple(self._call(call) for call in delta.get("tool_calls") or ())
            self._text += text
            self._reasoning += reasoning
            if text or reasoning or calls:
                said.append(Delta(Answer(text, calls, reasoning)))
            if choice.get("finish_reason"):
                self._finish = Finish(choice["finish_reason"])
        return said

    def _comment(self, text: str) -> list[Event]:
        words = text.split()  # "swarm 3/5 ballots 120 tokens"
        if len(words) == 5 and words[0] == "swarm" and "/" in words[1]:
            cast, seats = words[1].split("/")
            if cast.isdecimal() and seats.isdecimal() and words[3].isdecimal():
                return [Progress(int(cast), int(seats), int(words[3]))]
        return []

    def _call(self, call: dict[str, Any]) -> ToolCall:
        function = call.get("function") or {}
        made = ToolCall(
            call.get("id") or "", function.get("name") or "", function.get("arguments") or ""
        )
        self._calls[call.get("index", len(self._calls))] = made
        return made

    def done(self) -> Done:
        """The last event. Raises EngineError when the stream ended too early."""
        if self._finish is None or self._swarm is None:
            raise EngineError("The node broke off in the middle of its answer.", hint="Ask again.")
        answer = Answer(self._text, tuple(self._calls.values()), self._reasoning)
        return Done(answer, self._finish, read_verdict(self._swarm, answer, self._finish))
