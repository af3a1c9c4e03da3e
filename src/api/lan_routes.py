"""Pairing and peers, for the owner of the node: every route needs the control token."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends

from ..status import LanControl
from .control import Control
from .schema import Loose

Text = Annotated[str, Body(embed=True, max_length=256)]


class Invite(Loose):
    """`trust`: the machine that comes is trusted by its owner's word."""

    trust: bool = False


class Join(Loose):
    """`at` is HOST:PORT of the inviter, where multicast does not find it."""

    code: str
    at: str | None = None
    trust: bool = False


def routes(lan: LanControl, control: Control) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/swarm", dependencies=[Depends(control)])

    @router.post("/invite")
    async def invite(body: Invite) -> dict[str, Any]:
        return asdict(await lan.invite(trust=body.trust))

    @router.post("/join")
    async def join(body: Join) -> dict[str, Any]:
        return asdict(await lan.join(body.code, body.at, trust=body.trust))

    @router.get("/peers")
    async def peers() -> dict[str, Any]:
        return asdict(lan.peers())

    @router.post("/peers/remove")
    async def remove(who: Text) -> dict[str, Any]:
        return asdict(lan.remove(who))

    @router.post("/peers/rename")
    async def rename(who: Text, name: Text) -> dict[str, Any]:
        return asdict(lan.rename(who, name))

    @router.post("/peers/trust")
    async def trust(who: Text, trusted: Annotated[bool, Body(embed=True)]) -> dict[str, Any]:
        return asdict(lan.trust(who, trusted))

    @router.post("/pause")
    async def pause() -> dict[str, Any]:
        lan.pause(True)
        return {"paused": True}

    @router.post("/resume")
    async def resume() -> dict[str, Any]:
        lan.pause(False)
        return {"paused": False}

    return router
