"""The HTTP application: routes in, `Responder` and `StatusSource` behind them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp

from .. import __version__
from ..chat import Responder, named
from ..errors import EngineUnavailable, ModelNotFound
from ..status import ModelCard, StatusSource
from . import errors
from .answer import AnswerResponse
from .guard import Access, Guard
from .schema import ChatBody


def build(
    responder: Responder,
    source: StatusSource,
    access: Access,
    *,
    control_token: str,
    stop: Callable[[], None],
) -> ASGIApp:
    """The application. `stop` is called once a caller with the control token asks for it."""
    app = FastAPI(
        title="Local Swarm",
        version=__version__,
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        default_response_class=errors.Json,
    )
    errors.install(app)

    @app.api_route("/", methods=["GET", "HEAD"], response_class=PlainTextResponse)
    async def root() -> str:
        return "Local Swarm is running. The API is at /v1.\n"

    @app.api_route("/health", methods=["GET", "HEAD"])
    @app.api_route("/v1/health", methods=["GET", "HEAD"])
    async def health() -> JSONResponse:
        state = source.status().state
        return JSONResponse({"status": state}, 200 if state == "ok" else 503)

    @app.get("/v1/models")
    @app.get("/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_card(card) for card in source.cards()]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        cards = {card.id: card for card in source.cards()}
        if name not in cards:
            raise ModelNotFound(name, list(cards))
        return _card(cards[name])

    @app.post("/v1/chat/completions", response_model=None)
    @app.post("/chat/completions", response_model=None)
    async def chat(body: ChatBody) -> AnswerResponse:
        request = named(body.request(), [card.id for card in source.cards()])
        status = source.status()
        if status.state == "loading":
            raise EngineUnavailable("The model is still loading.", hint="Try again in a moment.")
        return AnswerResponse(
            responder,
            request,
            stream=bool(body.stream),
            include_usage=bool(body.stream_options and body.stream_options.include_usage),
        )

    @app.get("/swarm/status")
    async def status() -> dict[str, Any]:
        return asdict(source.status())

    @app.post("/swarm/stop", response_model=None)
    async def stop_node(x_control_token: Annotated[str, Header()] = "") -> JSONResponse:
        if not hmac.compare_digest(x_control_token.encode(), control_token.encode()):
            text = "The control token is missing or wrong; `local-swarm stop` knows it."
            return JSONResponse(
                errors.error_object(text, status=403, code="forbidden_control"), 403
            )
        stop()
        return JSONResponse({"status": "stopping"})

    return Guard(app, access)


def _card(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "object": "model",
        "created": 0,
        "owned_by": "local-swarm",
        "description": card.description,
        "context_length": card.context,
        "max_model_len": card.context,
        "meta": {"n_ctx": card.context, "model": card.model},
    }
