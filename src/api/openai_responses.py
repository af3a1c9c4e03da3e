"""OpenAI's responses (Codex speaks nothing else), translated to chat completions and back
(responses_wire.py). Nothing is stored: every request carries its whole conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from ..chat import Event, text_of
from ..errors import InvalidRequest
from .answer import AnswerResponse
from .conversation import Json
from .front import Front
from .responses_wire import ResponsesWire
from .schema import ChatBody, Loose, SwarmBody


class ResponsesBody(Loose):
    """The body of POST /v1/responses."""

    model: str | None = None
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = Field(None, ge=0)
    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, ge=0, le=1)
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: dict[str, Any] | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    background: bool | None = None
    swarm: SwarmBody | None = None

    def chat(self) -> ChatBody:
        """The same as a chat completion. Raises InvalidRequest, ValidationError."""
        for name in ("previous_response_id", "conversation", "background"):
            if getattr(self, name):
                raise InvalidRequest(
                    f"{name} is not served: nothing is stored here.",
                    param=name,
                    hint="Send the whole conversation as `input`.",
                )
        passed = self.model_dump(
            include={"model", "temperature", "top_p", "parallel_tool_calls", "swarm"},
            exclude_none=True,
        )
        messages = _messages(self.input)
        if self.instructions:
            messages.insert(0, {"role": "system", "content": self.instructions})
        return ChatBody.model_validate(
            {
                **passed,
                "messages": messages,
                "max_tokens": self.max_output_tokens,
                "tools": _tools(self.tools),
                "tool_choice": self.tool_choice,
                "response_format": _format((self.text or {}).get("format")),
            }
        )


def routes(front: Front) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter()

    @router.post("/v1/responses", response_model=None)
    @router.post("/responses", response_model=None)
    async def responses(body: ResponsesBody, request: Request) -> AnswerResponse[Event]:
        return front.chat(
            body.chat(),
            request.headers,
            lambda settled: ResponsesWire(settled, body.model_dump()),
            stream=bool(body.stream),
        )

    return router


def _messages(given: str | list[Json]) -> list[Json]:
    """Items as messages. What we do not know (searches, references, thoughts) is skipped."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    made: list[Json] = []
    for item in given:
        kind = item.get("type") or "message"
        if kind == "message" and item.get("role"):
            made.append({"role": item["role"], "content": _content(item)})
        elif kind == "function_call":
            function = {
                "name": item.get("name") or "",
                "arguments": item.get("arguments") or "{}",
            }
            call = {"id": item.get("call_id") or "", "type": "function", "function": function}
            if made and made[-1]["role"] == "assistant":  # several calls of one turn
                made[-1].setdefault("tool_calls", []).append(call)
            else:
                made.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "function_call_output":
            output = item.get("output")
            text = output if isinstance(output, str) else text_of(output)
            made.append(
                {"role": "tool", "tool_call_id": item.get("call_id") or "", "content": text}
            )
    return made


def _content(item: Mapping[str, Any]) -> Any:
    content = item.get("content")
    if not isinstance(content, list):
        return content
    if item.get("role") == "assistant":
        return text_of(content)
    return [
        {"type": "image_url", "image_url": {"url": part.get("image_url") or ""}}
        if part.get("type") == "input_image"
        else part
        for part in content
    ]


def _tools(tools: list[Json] | None) -> list[Json] | None:
    """Functions lie flat here; other types are skipped."""
    names = ("name", "description", "parameters", "strict")
    made = [
        {"type": "function", "function": {name: tool[name] for name in names if tool.get(name)}}
        for tool in tools or ()
        if tool.get("type") == "function"
    ]
    return made or None


def _format(wanted: Any) -> Json | None:
    if not isinstance(wanted, Mapping):
        return None
    if wanted.get("type") == "json_schema":
        names = ("name", "schema", "strict")
        inner = {name: wanted[name] for name in names if wanted.get(name) is not None}
        return {"type": "json_schema", "json_schema": inner}
    return {"type": wanted.get("type")}
