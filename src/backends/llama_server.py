"""The default engine: llama.cpp's own server as a supervised child process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ..chat import ChatRequest
from ..errors import ContextOverflow, EngineError, EngineUnavailable
from ..status import EngineStatus
from ..wire.sse import Comment, lines, parse
from .admission import Admission, Share, shape
from .base import Grant, Piece
from .llama_wire import body, engine_error, pieces
from .process import Child

_PROBE_TOKENS = 64  # shorter prefills hide broken matrix kernels
_SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """What to load. `context` bounds one sequence, `cells` all of them, in tokens."""

    model: str
    path: Path
    slots: int
    context: int
    cells: int
    threads: int
    prompt_cache_mib: int


class LlamaServer:
    """An Engine. Start it with `start()`, end it with `close()`."""

    def __init__(self, config: LlamaConfig, environment: Mapping[str, str]) -> None:
        self._config = config
        self._key = secrets.token_urlsafe(24)
        self._admission = Admission(config.slots, config.cells)
        self._settling: set[asyncio.Task[None]] = set()
        self._tokens = 0
        self._speed: float | None = None
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=httpx.Timeout(None, connect=5),
            limits=httpx.Limits(max_connections=None),
            trust_env=False,  # a proxy has no business between us and our own child
        )
        self._url = ""
        child = {
            "path": str(config.path),
            "model": config.model,
            "key": self._key,
            "slots": config.slots,
            "cells": config.cells,
            "threads": config.threads,
            "prompt_cache_mib": config.prompt_cache_mib,
        }
        # The engine's threads spin at barriers. By default for so long that a browser beside it
        # makes an answer 3 to 7 times slower; this little costs nothing on an idle machine
        # (docs/decisions/0002-engine.md).
        environment = {"GOMP_SPINCOUNT": "2000", **environment}
        self._child = Child("local_swarm.backends.llama_child", child, environment, self._probe)

    @property
    def model(self) -> str:
        return self._config.model

    async def start(self) -> None:
        """Loads the model. Raises EngineUnavailable when that fails."""
        await self._child.start()

    async def close(self) -> None:
        for task in self._settling:
            task.cancel()
        await asyncio.gather(*self._settling, return_exceptions=True)
        await self._child.close()
        await self._http.aclose()

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        """See Engine.sample."""
        prompt = await self._count(request)
        context = self._config.context
        if prompt >= context:
            raise ContextOverflow(prompt, context)
        run = shape(
            seats=seats,
            prompt=prompt,
            max_tokens=request.max_tokens,
            context=context,
            slots=self._config.slots,
            cells=self._config.cells,
        )
        share = Share(run.at_once, prompt + run.at_once * run.max_tokens)
        self._admission.check()
        yield Grant(run.seats, prompt, run.degraded)
        await self._admission.acquire(share)
        whole = False
        try:
            for first in range(0, run.seats, run.at_once):
                wave = list(range(first, min(first + run.at_once, run.seats)))
                async with aclosing(self._wave(request, wave, run.max_tokens)) as stream:
                    async for piece in stream:
                        yield piece
            whole = True
        finally:
            if whole:
                self._admission.release(share)
            else:  # the engine needs a moment to notice that we hung up
                task = asyncio.create_task(self._settle(share))
                self._settling.add(task)
                task.add_done_callback(self._settling.discard)

    async def _wave(
        self, request: ChatRequest, seats: list[int], max_tokens: int
    ) -> AsyncGenerator[Piece]:
        """Runs `seats` beside each other. What a dying engine left open is asked once more."""
        generation = await self._child.ready()
        for attempt in (1, 2):
            open_seats = set(seats)
            try:
                async with aclosing(self._stream(request, seats, max_tokens)) as stream:
                    async for piece in stream:
                        if piece.finish:
                            open_seats.discard(piece.seat)
                        yield piece
            except httpx.TransportError as broken:
                if attempt == 2:
                    raise EngineUnavailable(
                        "The engine died twice on this request.", hint="Try again."
                    ) from broken
                generation = await self._child.ready(after=generation)
            if not open_seats:
                return
            if attempt == 2:
                raise EngineError("The engine ended its answer too early.", hint="Try again.")
            seats = sorted(open_seats)
            for seat in seats:
                yield Piece(seat, restart=True)

    async def _stream(
        self, request: ChatRequest, seats: list[int], max_tokens: int
    ) -> AsyncGenerator[Piece]:
        url = f"{self._url}/v1/chat/completions"
        asked = body(request, seats=len(seats), first=seats[0], max_tokens=max_tokens)
        started, counts = time.monotonic(), dict.fromkeys(seats, 0)
        try:
            async with self._http.stream("POST", url, json=asked) as response:
                if response.status_code != 200:
                    raise engine_error(response.status_code, await response.aread())
                async for event in parse(lines(response.aiter_bytes())):
                    if isinstance(event, Comment):
                        continue
                    for piece in pieces(event, seats):
                        counts[piece.seat] = piece.tokens or counts[piece.seat]
                        yield piece
        finally:
            total, seconds = sum(counts.values()), time.monotonic() - started
            self._tokens += total
            if total > 1:
                self._speed = total / seconds

    async def _count(self, request: ChatRequest) -> int:
        """Tokens of the prompt, by the engine's own template and tokenizer."""
        generation = await self._child.ready()
        asked = body(request, seats=1, first=0, max_tokens=1)
        for attempt in (1, 2):
            url = f"{self._url}/v1/chat/completions/input_tokens"
            try:
                response = await self._http.post(url, json=asked)
                break
            except httpx.TransportError as broken:
                if attempt == 2:
                    raise EngineUnavailable("The engine died twice on this request.") from broken
                generation = await self._child.ready(after=generation)
        if response.status_code != 200:
            raise engine_error(response.status_code, response.content)
        return int(response.json()["input_tokens"])

    async def _settle(self, share: Share) -> None:
        """Gives `share` back once the engine has stopped working for it."""
        try:
            deadline = time.monotonic() + _SETTLE_S
            while time.monotonic() < deadline:
                response = await self._http.get(f"{self._url}/slots")
                busy = sum(bool(slot.get("is_processing")) for slot in response.json())
                if busy <= self._admission.busy_slots - share.slots:
                    break
                await asyncio.sleep(0.01)
        except (httpx.HTTPError, ValueError, AttributeError):
            pass  # a dead engine works for nobody
        finally:
            self._admission.release(share)

    async def _probe(self, birth: dict[str, Any]) -> None:
        """Ready means: it has produced a real token."""
        self._url = birth["url"]
        response = await self._http.post(
            f"{self._url}/completion",
            json={"prompt": [10] * _PROBE_TOKENS, "n_predict": 1, "cache_prompt": False},
        )
        if response.status_code != 200:
            raise engine_error(response.status_code, response.content)

    def status(self) -> EngineStatus:
        """Facts for `local-swarm status`."""
        pid = self._child.pid
        rss, pss = _memory(pid)
        return EngineStatus(
            model=self._config.model,
            pid=pid,
            state=self._child.state,
            restarts=self._child.restarts,
            rss=rss,
            pss=pss,
            slots=self._admission.slots,
            slots_busy=self._admission.busy_slots,
            kv_cells=self._admission.cells,
            kv_reserved=self._admission.busy_cells,
            queue=self._admission.waiting,
            tokens_total=self._tokens,
            tokens_per_second=self._speed,
            why=self._child.why,
        )


def _memory(pid: int | None) -> tuple[int | None, int | None]:
    """(RSS, PSS) of a process in bytes; None where the system does not tell."""
    import psutil

    if pid is None:
        return None, None
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return None, None
    return full.rss, getattr(full, "pss", None)
