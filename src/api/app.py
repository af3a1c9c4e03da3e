"""The HTTP application: every family of routes, behind the guard."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp

from .. import __version__
from ..capabilities import Capabilities
from ..chat import Responder
from ..status import StatusSource
from . import (
    anthropic,
    embeddings,
    errors,
    integrations,
    metrics,
    node_routes,
    ollama,
    openai_chat,
    openai_completions,
    openai_responses,
    page,
    tokens,
)
from .front import Front
from .guard import Access, Guard


def build(
    responder: Responder,
    source: StatusSource,
    access: Access,
    *,
    control_token: str,
    stop: Callable[[], None],
    can: Capabilities | None = None,
) -> ASGIApp:
    """The application. `stop` is called once a caller with the control token asks for it; `can`
    is what the node's engine can do beyond chats."""
    app = FastAPI(
        title="Local Swarm",
        version=__version__,
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        default_response_class=errors.Json,
    )
    errors.install(app)
    counted = metrics.Metrics(source)
    front = Front(responder, source, counted, can or Capabilities())
    families = (
        openai_chat, openai_completions, openai_responses, anthropic, ollama, embeddings, tokens,
    )  # fmt: skip
    for family in families:
        app.include_router(family.routes(front))
    app.include_router(node_routes.routes(front, control_token, stop))
    app.include_router(metrics.routes(counted))
    app.include_router(integrations.routes(front))
    app.include_router(page.routes())
    return Guard(app, access, counted.seen)
