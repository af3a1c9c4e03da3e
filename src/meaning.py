"""Embeddings for the vote: the best that this machine has, as one asynchronous call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .backends.care import USUAL, Care
from .backends.llama_embedder import LlamaEmbedder
from .models.gguf import is_embedding
from .models.store import downloaded
from .swarm.asking import Embed
from .swarm.embedding import MINILM, Embedder, choose

_CONTEXT = 512  # tokens; what small embedding models were trained for


@dataclass(frozen=True, slots=True)
class Meaning:
    """`embed` makes the vector of a text; `threshold` is the least cosine of equal meanings."""

    name: str
    embed: Embed
    threshold: float
    engine: LlamaEmbedder | None = None

    async def close(self) -> None:
        """Ends the engine, if there is one."""
        if self.engine is not None:
            await self.engine.close()


def meaning(
    models: Path | None, environment: Mapping[str, str], threads: int, care: Care = USUAL
) -> Meaning:
    """By an embedding model in the folder `models`; else by sentence-transformers, if it is
    installed and its model is there; else by the words themselves. Loads nothing yet."""
    files = downloaded(models) if models else []
    path = next((file for file in files if is_embedding(file)), None)
    if path is None:
        return _threaded(choose(folder=models / MINILM if models else None), None)
    engine = LlamaEmbedder(
        path, environment, context=_CONTEXT, threads=threads, pooling=None, care=care
    )
    bridge = _Bridge(engine)
    return _threaded(choose(served=(path.stem, bridge)), engine, bridge.enter)


class _Bridge:
    """The engine's asynchronous call for an embedder that works in a thread."""

    def __init__(self, engine: LlamaEmbedder) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None

    def enter(self) -> None:
        """Remembers the loop that the engine belongs to; called from it."""
        self._loop = asyncio.get_running_loop()

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        assert self._loop is not None
        made = asyncio.run_coroutine_threadsafe(self._engine.embed(list(texts)), self._loop)
        return made.result().vectors


def _threaded(
    embedder: Embedder, engine: LlamaEmbedder | None, enter: Callable[[], None] = lambda: None
) -> Meaning:
    async def embed(text: str) -> tuple[float, ...]:
        enter()
        return tuple((await asyncio.to_thread(embedder.embed, [text]))[0])

    return Meaning(embedder.name, embed, embedder.threshold, engine)
