"""The node itself: health, status, what clients of llama.cpp ask, and the way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from .control import Control
from .errors import Json
from .front import Front


def routes(front: Front, control: Control, stop: Callable[[], None]) -> APIRouter:
    """The routes. `stop` is called once a caller with the control token asks for it."""
    router = APIRouter()

    @router.get("/health", response_model=None)
    @router.get("/v1/health", response_model=None)
    async def health() -> JSONResponse:
        state = front.source.status(memory=False).state
        return Json({"status": state}, 200 if state == "ok" else 503)

    @router.get("/swarm/status")
    async def status() -> dict[str, Any]:
        return asdict(front.source.status())

    @router.get("/props")
    @router.get("/v1/props")
    async def props() -> dict[str, Any]:
        """By this Zed and others find a llama.cpp server and the context of its model."""
        known = front.source.status(memory=False)
        sees = all(card.sees for card in front.source.cards())
        return {
            "default_generation_settings": {"n_ctx": known.context, "params": {}},
            "total_slots": sum(engine.slots for engine in known.engines),
            "model_alias": known.engines[0].model if known.engines else None,
            "modalities": {"vision": sees, "video": False, "audio": False},
            "chat_template_caps": {
                "supports_tools": True,
                "supports_tool_calls": True,
                "supports_parallel_tool_calls": True,
            },
            "build_info": f"local-swarm {known.version}",
        }

    @router.post("/swarm/stop", response_model=None, dependencies=[Depends(control)])
    async def stop_node() -> JSONResponse:
        stop()
        return Json({"status": "stopping"})

    return router
