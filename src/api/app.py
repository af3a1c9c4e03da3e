"""The HTTP application: every family of routes, behind the guard."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp

from .. import __version__
from ..capabilities import Capabilities
from ..chat import Responder
from ..status import LanControl, StatusSource
from . import (
    agent,
    anthropic,
    control,
    embeddings,
    errors,
    integrations,
    lan_routes,
    mcp,
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
    lan: LanControl | None = None,
    headless: bool = False,
) -> ASGIApp:
    """The application. `stop` is called once a caller with the control token asks for it; `can`
    is what the node's engine can do beyond chats. `headless` leaves out all that answers
    questions, and the page."""
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
    owner = control.by_token(control_token)
    if not headless:  # first, because routes are looked up one after the other
        for family in families:
            app.include_router(family.routes(front))
    app.include_router(node_routes.routes(front, owner, stop))
    app.include_router(metrics.routes(counted))
    if lan is not None:
        app.include_router(lan_routes.routes(lan, owner))
    if not headless:
        app.include_router(integrations.routes(front))
        app.include_router(page.routes())
        app.router.routes.append(mcp.route(front))
        if front.can.tasks is not None:
            app.include_router(agent.routes(front.can.tasks))
    return Guard(app, access, counted.seen)
