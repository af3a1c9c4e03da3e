"""OpenAI's and Ollama's embeddings."""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from ..errors import InvalidRequest
from .answer import Once
from .front import Front
from .ollama_schema import here
from .schema import Loose

_MOST = 2048  # inputs a request, as with OpenAI
Input = str | list[str] | list[int] | list[list[int]]


class EmbeddingsBody(Loose):
    """The body of POST /v1/embeddings. `input` is a text, tokens, or a list of either."""

    model: str | None = None
    input: Input
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1)


class EmbedBody(Loose):
    """The body of POST /api/embed; old clients say `prompt`."""

    model: str | None = None
    input: str | list[str] | None = None
    prompt: str | None = None
    dimensions: int | None = Field(None, ge=1)


def routes(front: Front) -> APIRouter:
    """The routes."""
    router = APIRouter()

    async def embed(given: Input, dimensions: int | None) -> tuple[list[Sequence[float]], int]:
        made = await front.embedder.embed(_inputs(given))
        return [_shortened(vector, dimensions) for vector in made.vectors], made.tokens

    def ready(model: str | None) -> None:
        front.check_name(model)
        front.status()

    @router.post("/v1/embeddings", response_model=None)
    @router.post("/embeddings", response_model=None)
    async def embeddings(body: EmbeddingsBody) -> Once:
        ready(body.model)

        async def make() -> dict[str, Any]:
            vectors, tokens = await embed(body.input, body.dimensions)
            packed = body.encoding_format == "base64"
            return {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": at, "embedding": _packed(v) if packed else v}
                    for at, v in enumerate(vectors)
                ],
                "model": body.model or "local-swarm",
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }

        return Once(make)

    @router.post("/api/embed", response_model=None)
    async def native(body: EmbedBody) -> Once:
        given = body.prompt if body.input is None else body.input
        name = here(body.model, front.names)
        ready(name)

        async def make() -> dict[str, Any]:
            vectors, tokens = await embed(given, body.dimensions) if given else ([], 0)
            return {"model": body.model, "embeddings": vectors, "prompt_eval_count": tokens}

        return Once(make)

    @router.post("/api/embeddings", response_model=None)
    async def old(body: EmbedBody) -> Once:
        given = body.prompt if body.input is None else body.input
        name = here(body.model, front.names)
        ready(name)

        async def make() -> dict[str, Any]:
            vectors, _ = await embed(given, None) if given else ([[]], 0)
            return {"embedding": vectors[0]}

        return Once(make)

    return router


def _inputs(given: Input) -> list[str | list[int]]:
    if isinstance(given, str):
        inputs: list[str | list[int]] = [given]
    elif given and isinstance(given[0], int):
        inputs = [given]
    else:
        inputs = list(given)  # type: ignore[arg-type]
    if not inputs or len(inputs) > _MOST or not all(inputs):
        raise InvalidRequest(f"1 to {_MOST} inputs are possible, none empty.", param="input")
    return inputs


def _shortened(vector: Sequence[float], dimensions: int | None) -> Sequence[float]:
    """The first `dimensions` numbers, at unit length again."""
    if dimensions is None or dimensions == len(vector):
        return vector
    if dimensions > len(vector):
        raise InvalidRequest(f"This model has {len(vector)} dimensions.", param="dimensions")
    cut = vector[:dimensions]
    length = math.sqrt(math.fsum(x * x for x in cut)) or 1.0
    return [x / length for x in cut]


def _packed(vector: Sequence[float]) -> str:
    """Little-endian 32-bit floats in base64: what OpenAI's own clients ask for."""
    packed = array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()
