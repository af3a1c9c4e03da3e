"""Anthropic's messages, translated to chat completions and back (anthropic_wire.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from ..chat import Event, text_of
from ..errors import InvalidRequest
from .answer import AnswerResponse
from .anthropic_wire import MessagesWire
from .conversation import Json
from .front import Front
from .schema import ChatBody, Loose, SwarmBody


class Message(Loose):
    """One message; `system` in the middle of a chat is what Claude Code sends."""

    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]]


class MessagesBody(Loose):
    """The body of POST /v1/messages."""

    model: str | None = None
    messages: list[Message] = Field(min_length=1)
    system: str | list[dict[str, Any]] | None = None
    max_tokens: int | None = Field(None, ge=0)
    stream: bool | None = None
    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    swarm: SwarmBody | None = None

    def chat(self, names: list[str]) -> ChatBody:
        """The same as a chat completion. Raises InvalidRequest, ValidationError."""
        system = text_of(self.system)
        head = [{"role": "system", "content": system}] if system else []
        messages = [made for m in self.messages for made in _messages(m.role, m.content)]
        choice = self.tool_choice or {}
        passed = self.model_dump(
            include={"max_tokens", "temperature", "top_p", "top_k", "swarm"}, exclude_none=True
        )
        if choice.get("disable_parallel_tool_use"):
            passed["parallel_tool_calls"] = False
        return ChatBody.model_validate(
            {
                **passed,
                "model": here(self.model, names),
                "messages": [*head, *messages],
                "stop": self.stop_sequences or None,
                "tools": [_tool(tool) for tool in self.tools or () if _is_function(tool)] or None,
                "tool_choice": _choice(choice),
            }
        )


def routes(front: Front) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter()

    @router.post("/v1/messages", response_model=None)
    @router.post("/messages", response_model=None)
    async def messages(body: MessagesBody, request: Request) -> AnswerResponse[Event]:
        return front.chat(
            body.chat(front.names),
            request.headers,
            lambda settled: MessagesWire(settled, asked=body.model),
            stream=bool(body.stream),
        )

    @router.post("/v1/messages/count_tokens")
    @router.post("/messages/count_tokens")
    async def count_tokens(body: MessagesBody) -> dict[str, int]:
        front.status()
        return {"input_tokens": await front.tokenizer.count(body.chat(front.names).request())}

    return router


def here(model: str | None, names: list[str]) -> str | None:
    """The id that is served for `model`: Anthropic's own names mean the swarm, its small models
    one seat."""
    if model and model not in names and model.startswith("claude"):
        return "local-swarm-fast" if "haiku" in model else "local-swarm"
    return model


def _messages(role: str, content: str | list[Json]) -> Iterator[Json]:
    """One message of Anthropic's as OpenAI's: the results of tools are messages of their own."""
    if isinstance(content, str):
        yield {"role": role, "content": content}
        return
    parts: list[Json] = []
    calls: list[Json] = []
    thoughts = ""
    for block in content:
        kind = block.get("type")
        if kind == "tool_result":
            text = _result(block)
            yield {"role": "tool", "tool_call_id": block.get("tool_use_id") or "", "content": text}
        elif kind == "tool_use":
            arguments = json.dumps(block.get("input") or {})
            function = {"name": block.get("name") or "", "arguments": arguments}
            calls.append({"id": block.get("id") or "", "type": "function", "function": function})
        elif kind == "thinking":
            thoughts += str(block.get("thinking") or "")
        elif kind == "image":
            parts.append(_image(block.get("source") or {}))
        elif kind == "text" or "text" in block:
            parts.append({"type": "text", "text": block.get("text") or ""})
        elif kind not in ("redacted_thinking",):
            raise InvalidRequest(f"Blocks of the type '{kind}' are not served.", param="messages")
    if role == "assistant":
        said = "".join(str(part.get("text") or "") for part in parts)
        made: Json = {"role": role, "content": said if said or not calls else None}
        if calls:
            made["tool_calls"] = calls
        if thoughts:
            made["reasoning_content"] = thoughts
        yield made
    elif parts:
        yield {"role": role, "content": parts}


def _result(block: Mapping[str, Any]) -> str:
    """What a tool said, as text; an image in it is refused."""
    content = block.get("content")
    if isinstance(content, list) and any(part.get("type") == "image" for part in content):
        raise InvalidRequest("Images as results of tools are not served.", param="messages")
    text = text_of(content)
    return f"Error: {text}" if block.get("is_error") else text


def _image(source: Mapping[str, Any]) -> Json:
    url = source.get("url")
    if source.get("type") == "base64":
        url = f"data:{source.get('media_type') or 'image/png'};base64,{source.get('data') or ''}"
    return {"type": "image_url", "image_url": {"url": url or ""}}


def _is_function(tool: Mapping[str, Any]) -> bool:
    """Tools that Anthropic's servers run themselves (`web_search_...`) are skipped."""
    return (tool.get("type") or "custom") == "custom"


def _tool(tool: Mapping[str, Any]) -> Json:
    function = {
        "name": tool.get("name") or "",
        "description": tool.get("description") or "",
        "parameters": tool.get("input_schema") or {"type": "object"},
    }
    return {"type": "function", "function": function}


def _choice(choice: Mapping[str, Any]) -> Any:
    kind = choice.get("type")
    if kind == "tool":
        return {"type": "function", "function": {"name": choice.get("name")}}
    return "required" if kind == "any" else kind
