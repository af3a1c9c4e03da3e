"""Embeddings: a second llama.cpp server, started on first use and supervised like the first."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from ..capabilities import Embeddings
from ..errors import ContextOverflow, EngineError, EngineUnavailable
from .care import USUAL, Care
from .llama_http import LlamaHttp
from .process import Child
from .watchdog import Watchdog

_LARGEST = 2048  # tokens an input; the engine needs them in one batch, and memory for it
_TOO_LONG = re.compile(r"input \((\d+) tokens\) is too large")


class LlamaEmbedder:
    """An Embedder over the model file at `path`. See capabilities.py.

    A chat model has no pooling of its own: the mean over all tokens is taken (`pooling`). The
    weights are mapped from the same file that the answering engine maps, and cost no more memory.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, str],
        *,
        context: int,
        threads: int,
        pooling: str | None = "mean",
        care: Care = USUAL,
    ) -> None:
        self._http = LlamaHttp()
        self._size = min(context, _LARGEST)
        child = {
            "path": str(path),
            "model": path.stem,
            "key": self._http.key,
            "slots": 1,
            "cells": self._size,
            "threads": threads,
            "prompt_cache_mib": 0,
            "embedding": pooling or "model",
        }
        environment = {"GOMP_SPINCOUNT": "2000", **environment}
        module = "local_swarm.backends.llama_child"
        self._child = Child(
            module, child, environment, self._probe, pulse=self._http.pulse, backoff=care.backoff
        )
        self._watchdog = Watchdog(self._child, self._http.pulse, care, self._http.busy)
        self._starting: asyncio.Task[None] | None = None

    async def embed(self, inputs: Sequence[str | Sequence[int]]) -> Embeddings:
        """See Embedder.embed."""
        if self._starting is None:  # a caller who hangs up meanwhile does not stop it
            self._watchdog.start()
            self._starting = asyncio.create_task(self._child.start())
        await asyncio.shield(self._starting)
        asked = {"input": [item if isinstance(item, str) else list(item) for item in inputs]}
        for _ in range(2):
            generation = await self._child.ready()
            try:
                made = _read(await self._http.post("/v1/embeddings", asked))
                self._http.pulse.answers += 1
                return made
            except httpx.TransportError:
                await self._again(generation)
                continue
            except EngineError as error:
                if long := _TOO_LONG.search(error.message):
                    raise ContextOverflow(int(long[1]), self._size) from None
                raise
        raise EngineUnavailable("The embedding engine died twice.", hint="Try again.")

    async def close(self) -> None:
        """Ends the child, if there is one."""
        if self._starting is not None:
            await self._watchdog.close()
            await self._child.close()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._http.close()

    async def _probe(self, birth: dict[str, Any]) -> None:
        self._http.url = birth["url"]
        await self._http.post("/v1/embeddings", {"input": [[10]]})

    async def _again(self, generation: int) -> None:
        here = self._child.generation == generation and self._child.state == "ready"
        if not here or not await self._http.alive():
            await self._child.ready(after=generation)


def _read(response: httpx.Response) -> Embeddings:
    """Raises RemoteProtocolError for an answer that is none."""
    try:
        made = response.json()
        rows = sorted(made["data"], key=lambda row: row["index"])
        vectors = tuple(tuple(row["embedding"]) for row in rows)
        return Embeddings(vectors, int(made["usage"]["prompt_tokens"]))
    except (ValueError, TypeError, KeyError):
        raise httpx.RemoteProtocolError("the engine sent no vectors") from None
