"""Ollama's bodies, as chat completions."""

from __future__ import annotations

import json
import uuid
from typing import Any, Literal

from pydantic import Field

from .conversation import Json
from .schema import ChatBody, Loose, SwarmBody

OPTIONS = (
    "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop", "repeat_penalty",
    "repeat_last_n", "presence_penalty", "frequency_penalty", "mirostat", "mirostat_tau",
    "mirostat_eta",
)  # fmt: skip


class Common(Loose):
    """What chat and generate share. `stream` is true where it is not said."""

    model: str | None = None
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    swarm: SwarmBody | None = None

    def chat(self, messages: list[Json], tools: list[Json] | None, names: list[str]) -> ChatBody:
        """The same as a chat completion. Raises ValidationError."""
        options = self.options or {}
        limit = options.get("num_predict")
        given: Json = {name: options[name] for name in OPTIONS if options.get(name) is not None}
        if isinstance(limit, int) and limit > 0:
            given["max_tokens"] = limit
        if self.format == "json":
            given["response_format"] = {"type": "json_object"}
        elif isinstance(self.format, dict):
            schema = {"name": "answer", "schema": self.format}
            given["response_format"] = {"type": "json_schema", "json_schema": schema}
        return ChatBody.model_validate(
            {
                **given,
                "model": here(self.model, names),
                "messages": messages,
                "tools": tools,
                "swarm": self.swarm.model_dump(exclude_none=True) if self.swarm else None,
            }
        )


class Message(Loose):
    """One message; `images` are in base64."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    images: list[str] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_name: str | None = None


class ChatAsked(Common):
    """The body of POST /api/chat."""

    messages: list[Message] = Field(default_factory=list)
    tools: list[dict[str, Any]] | None = None


class GenerateAsked(Common):
    """The body of POST /api/generate."""

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    images: list[str] | None = None
    raw: bool | None = None


class Named(Loose):
    """The body of POST /api/show: `model`, or `name` as old clients say."""

    model: str | None = None
    name: str | None = None


def here(model: str | None, names: list[str]) -> str | None:
    """The id that is served for Ollama's `model`, whose tag `latest` says nothing."""
    if model and model not in names:
        return model.removesuffix(":latest")
    return model


def messages(said: list[Message]) -> list[Json]:
    """Ollama's messages as OpenAI's: arguments are text there, and results name their call."""
    made: list[Json] = []
    last: dict[str, str] = {}  # name of a tool -> id of its last call
    for one in said:
        if one.tool_calls:
            calls = []
            for call in one.tool_calls:
                function = call.get("function") or {}
                arguments = function.get("arguments") or {}
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                name = str(function.get("name") or "")
                last[name] = str(call.get("id") or f"call_{uuid.uuid4().hex}")
                whole = {"name": name, "arguments": text}
                calls.append({"id": last[name], "type": "function", "function": whole})
            content = one.content or None
            made.append({"role": "assistant", "content": content, "tool_calls": calls})
        elif one.role == "tool":
            of = last.get(one.tool_name or "") or next(reversed(last.values()), "")
            made.append({"role": "tool", "tool_call_id": of, "content": one.content or ""})
        else:
            made.append(message(one.role, one.content or "", one.images))
    return made


def message(role: str, text: str, images: list[str] | None) -> Json:
    if not images:
        return {"role": role, "content": text}
    shown = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
        for image in images
    ]
    return {"role": role, "content": [{"type": "text", "text": text}, *shown]}
