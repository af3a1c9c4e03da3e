"""Ollama's routes: what VS Code, Open WebUI and many plugins speak. Translated to chat completions
and back (ollama_wire.py)."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from ..capabilities import Completion
from ..errors import ModelNotFound
from ..status import ModelCard
from .answer import AnswerResponse
from .conversation import Json
from .errors import Json as JsonResponse
from .front import Front
from .ollama_wire import BareWire, GenerateWire, NativeWire, now
from .openai_completions import run
from .schema import ChatBody, Loose, SwarmBody

# The version whose behaviour this is; clients compare it (VS Code wants 0.6.4 or later).
VERSION = "0.12.6"
_BARE_TOKENS = 128
_OPTIONS = (
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
        given: Json = {name: options[name] for name in _OPTIONS if options.get(name) is not None}
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


def routes(front: Front) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api")

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"version": VERSION}

    @router.get("/tags")
    async def tags() -> dict[str, Any]:
        return {"models": [_tag(card) for card in front.source.cards()]}

    @router.get("/ps")
    async def ps() -> dict[str, Any]:
        memory = sum(engine.rss or 0 for engine in front.source.status().engines)
        late = {"size_vram": 0, "size": memory, "expires_at": "2318-01-01T00:00:00Z"}
        return {"models": [{**_tag(front.source.cards()[0]), **late}]}

    @router.post("/show")
    async def show(body: Named) -> dict[str, Any]:
        name = here(body.model or body.name, front.names)
        cards = {card.id: card for card in front.source.cards()}
        if name not in cards:
            raise ModelNotFound(str(name), list(cards))
        return _show(cards[name])

    @router.post("/chat", response_model=None)
    async def chat(body: ChatAsked, request: Request) -> Response:
        if not body.messages:
            return _loaded(body, {"message": {"role": "assistant", "content": ""}})
        return front.chat(
            body.chat(_messages(body.messages), body.tools, front.names),
            request.headers,
            lambda settled: NativeWire(settled, asked=body.model),
            stream=body.stream is not False,
        )

    @router.post("/generate", response_model=None)
    async def generate(body: GenerateAsked, request: Request) -> Response:
        if not body.prompt and body.suffix is None:
            return _loaded(body, {"response": ""})
        if body.raw or body.suffix is not None:
            return _bare(front, body)
        messages: list[Json] = [{"role": "system", "content": body.system}] if body.system else []
        messages.append(_message("user", body.prompt or "", body.images))
        return front.chat(
            body.chat(messages, None, front.names),
            request.headers,
            lambda settled: GenerateWire(settled, asked=body.model),
            stream=body.stream is not False,
        )

    return router


def _bare(front: Front, body: GenerateAsked) -> Response:
    """Text that goes on without a template, or a gap that is filled: one seat, no vote."""
    front.check_name(here(body.model, front.names))
    front.status()
    options = body.options or {}
    limit = options.get("num_predict")
    sampling = {name: options[name] for name in _OPTIONS if options.get(name) is not None}
    if isinstance(sampling.get("stop"), str):
        sampling["stop"] = [sampling["stop"]]
    asked = Completion(
        prompt=body.prompt or "",
        suffix=body.suffix,
        max_tokens=limit if isinstance(limit, int) and limit > 0 else _BARE_TOKENS,
        sampling=sampling,
    )
    completer = front.completer
    return AnswerResponse(
        lambda: front.metrics.text(run(completer, [asked])),
        BareWire(body.model or "local-swarm"),
        stream=body.stream is not False,
    )


def here(model: str | None, names: list[str]) -> str | None:
    """The id that is served for Ollama's `model`, whose tag `latest` says nothing."""
    if model and model not in names:
        return model.removesuffix(":latest")
    return model


def _messages(said: list[Message]) -> list[Json]:
    """Ollama's messages as OpenAI's: arguments are text there, and results name their call."""
    made: list[Json] = []
    last: dict[str, str] = {}  # name of a tool -> id of its last call
    for message in said:
        if message.tool_calls:
            calls = []
            for call in message.tool_calls:
                function = call.get("function") or {}
                arguments = function.get("arguments") or {}
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                name = str(function.get("name") or "")
                last[name] = str(call.get("id") or f"call_{uuid.uuid4().hex}")
                whole = {"name": name, "arguments": text}
                calls.append({"id": last[name], "type": "function", "function": whole})
            content = message.content or None
            made.append({"role": "assistant", "content": content, "tool_calls": calls})
        elif message.role == "tool":
            of = last.get(message.tool_name or "") or next(reversed(last.values()), "")
            made.append({"role": "tool", "tool_call_id": of, "content": message.content or ""})
        else:
            made.append(_message(message.role, message.content or "", message.images))
    return made


def _message(role: str, text: str, images: list[str] | None) -> Json:
    if not images:
        return {"role": role, "content": text}
    shown = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
        for image in images
    ]
    return {"role": role, "content": [{"type": "text", "text": text}, *shown]}


def _loaded(body: Common, extra: Json) -> JSONResponse:
    """An empty request loads a model; ours is loaded."""
    return JsonResponse(
        {"model": body.model, "created_at": now(), **extra, "done": True, "done_reason": "load"}
    )


def _details(card: ModelCard) -> Json:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "",
        "quantization_level": "",
    }


def _tag(card: ModelCard) -> Json:
    return {
        "name": card.id,
        "model": card.id,
        "modified_at": "2026-01-01T00:00:00Z",
        "size": 0,
        "digest": hashlib.sha256(card.id.encode()).hexdigest(),
        "details": _details(card),
    }


def _show(card: ModelCard) -> Json:
    return {
        "license": "",
        "modelfile": "",
        "parameters": "",
        "template": "",
        "modified_at": "2026-01-01T00:00:00Z",
        "details": _details(card),
        "model_info": {
            "general.architecture": "llama",
            "general.basename": card.model,
            "llama.context_length": card.context,
        },
        "capabilities": ["completion", "tools"],
    }
