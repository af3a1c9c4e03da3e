"""Ollama's routes: what VS Code, Open WebUI and many plugins speak. Translated to chat completions
and back (ollama_wire.py)."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ..capabilities import Completion
from ..errors import InvalidRequest, ModelNotFound
from ..status import ModelCard
from .answer import AnswerResponse
from .conversation import Json
from .errors import Json as JsonResponse
from .front import Front
from .ollama_schema import OPTIONS, ChatAsked, Common, GenerateAsked, Named, here, message
from .ollama_schema import messages as chat_messages
from .ollama_wire import BareWire, GenerateWire, NativeWire, now
from .openai_completions import run

# The version whose behaviour this is; clients compare it (VS Code wants 0.6.4 or later).
VERSION = "0.12.6"
_BARE_TOKENS = 128


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
        if not (body.model or body.name):
            raise InvalidRequest("There is no model's name.", param="model", hint="Send one.")
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
            body.chat(chat_messages(body.messages), body.tools, front.names),
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
        messages.append(message("user", body.prompt or "", body.images))
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
    sampling = {name: options[name] for name in OPTIONS if options.get(name) is not None}
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
        "capabilities": ["completion", "tools", *(["vision"] if card.sees else [])],
    }
