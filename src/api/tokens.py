"""Tokens of texts: llama.cpp's /tokenize and /detokenize."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from .front import Front
from .schema import Loose


class TokenizeBody(Loose):
    """The body of POST /tokenize."""

    content: str
    add_special: bool | None = None
    with_pieces: bool | None = None


class DetokenizeBody(Loose):
    """The body of POST /detokenize."""

    tokens: list[int] = Field(max_length=1 << 20)


def routes(front: Front) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter()

    @router.post("/tokenize")
    @router.post("/v1/tokenize")
    async def tokenize(body: TokenizeBody) -> dict[str, Any]:
        front.status()
        tokens = await front.tokenizer.tokenize(body.content, add_special=bool(body.add_special))
        if not body.with_pieces:
            return {"tokens": [token.id for token in tokens]}
        return {"tokens": [{"id": token.id, "piece": _piece(token.piece)} for token in tokens]}

    @router.post("/detokenize")
    @router.post("/v1/detokenize")
    async def detokenize(body: DetokenizeBody) -> dict[str, str]:
        front.status()
        return {"content": await front.tokenizer.detokenize(body.tokens)}

    return router


def _piece(piece: bytes) -> str | list[int]:
    """A piece that is no UTF-8 by itself is a list of bytes."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
