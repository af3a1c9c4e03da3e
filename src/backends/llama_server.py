"""The default engine: llama.cpp's own server as a supervised child process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from ..chat import ChatRequest
from ..errors import ContextOverflow, EngineError, EngineUnavailable, SwarmError
from ..status import EngineStatus
from .admission import Admission, Shape, Share, shape
from .base import Grant, Piece
from .care import USUAL, Care
from .llama_http import LlamaHttp
from .llama_program import launched
from .llama_text import LlamaText
from .memory import memory_of
from .process import Child
from .short import Short
from .tuning import Tuning
from .watchdog import Watchdog

_SETTLE_S = 5.0  # before its first token the engine looks for hang-ups once a second only
_LOADING_S = 0.1


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """What to load. `context` bounds one sequence, `cells` all of them, in tokens.

    `program` is a llama-server of this machine with its help text; None takes the library that
    comes with us.
    """

    model: str
    path: Path
    slots: int
    context: int
    cells: int
    threads: int
    prompt_cache_mib: int
    tuning: Tuning = field(default_factory=Tuning)
    program: tuple[str, str] | None = None


class LlamaServer:
    """An Engine. Start it with `start()`, end it with `close()`."""

    def __init__(
        self, config: LlamaConfig, environment: Mapping[str, str], care: Care = USUAL
    ) -> None:
        self._config = config
        self._admission = Admission(config.slots, config.cells)
        self._short = Short(self._admission, config.context)
        self._settling: set[asyncio.Task[None]] = set()
        self._closing = False
        self._tokens = 0
        self._speed: float | None = None
        self._http = LlamaHttp()
        child: dict[str, Any] = {
            "path": str(config.path),
            "model": config.model,
            "key": self._http.key,
            "slots": config.slots,
            "cells": config.cells,
            "threads": config.threads,
            "prompt_cache_mib": config.prompt_cache_mib,
            "tuning": config.tuning.config,
        }
        # The engine's threads spin at barriers. By default for so long that a browser beside it
        # makes an answer 2 to 4 times slower; this little costs nothing on an idle machine
        # (docs/decisions/0002-engine.md).
        environment = {"GOMP_SPINCOUNT": "2000", **environment}
        module = "local_swarm.backends.llama_child"
        if config.program:
            module = "local_swarm.backends.launch_child"
            child = {"key": self._http.key, **launched(config, *config.program)}
        pulse = self._http.pulse
        self._child = Child(
            module, child, environment, self._born, pulse=pulse, backoff=care.backoff
        )
        self._watchdog = Watchdog(self._child, pulse, care, self._http.busy)
        self.text = LlamaText(
            self._http, self._child, self._admission, config.context, self._settle_later
        )

    @property
    def model(self) -> str:
        return self._config.model

    async def start(self) -> None:
        """Loads the model. Raises EngineUnavailable when that fails."""
        self._watchdog.start()
        await self._child.start()

    async def _born(self, birth: dict[str, Any]) -> None:
        """Returns when the child has produced a token. A program listens while it still loads."""
        while True:
            try:
                await self._http.probe(birth)
                return await self._short.learn(self._http.count)
            except EngineUnavailable:
                await asyncio.sleep(_LOADING_S)

    async def close(self) -> None:
        self._closing = True
        await self._watchdog.close()
        await self._child.close()  # what still runs ends with an error, and gives its share back
        for task in self._settling:
            task.cancel()
        await asyncio.gather(*self._settling, return_exceptions=True)
        await self._http.close()

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        """See Engine.sample."""
        short = self._short.run(request, seats)
        run, prompt = short or await self._counted(request, seats)
        share = Share(run.at_once, prompt + run.at_once * run.max_tokens)
        if short is None:
            self._admission.check()
            yield Grant(run.seats, prompt, run.degraded)
        await self._admission.acquire(share)
        whole = granted = False
        try:
            for first in range(0, run.seats, run.at_once):
                wave = list(range(first, min(first + run.at_once, run.seats)))
                stream: Any = self._wave(request, wave, run.max_tokens)
                if short:
                    stream = self._short.granted(stream, run.seats, prompt)
                async with aclosing(stream):
                    async for item in stream:
                        if isinstance(item, Grant):
                            granted = True
                            share = self._admission.shrink(share, prompt - item.prompt_tokens)
                        yield item
            whole = True
        except SwarmError:
            if short and not granted:  # who counts says better what a template refuses
                await self._count(request)
            raise
        finally:
            if whole:
                self._admission.release(share)
            else:
                self._settle_later(share)

    async def _counted(self, request: ChatRequest, seats: int) -> tuple[Shape, int]:
        """How the request is run, and the tokens of its prompt. Raises ContextOverflow."""
        prompt, context = await self._count(request), self._config.context
        if prompt >= context:
            raise ContextOverflow(prompt, context)
        run = shape(
            seats=seats, prompt=prompt, max_tokens=request.max_tokens, context=context,
            slots=self._config.slots, cells=self._config.cells,
        )  # fmt: skip
        return run, prompt

    async def _wave(
        self, request: ChatRequest, seats: list[int], max_tokens: int
    ) -> AsyncGenerator[Piece]:
        """Runs `seats` beside each other. What a dying engine left open is asked once more."""
        generation = await self._child.ready()
        said: list[Piece] = []  # of a single seat, which can go on where it was
        before = 0  # its tokens in the engine's earlier life
        for attempt in (1, 2):
            open_seats, broken = set(seats), None
            try:
                async with aclosing(self._stream(request, seats, max_tokens)) as stream:
                    async for piece in stream:
                        if piece.finish:
                            open_seats.discard(piece.seat)
                        if before and piece.tokens:
                            piece = replace(piece, tokens=before + piece.tokens)
                        if len(seats) == 1:
                            said.append(piece)
                        yield piece
            except httpx.TransportError as error:
                broken = error
            if not open_seats:
                return
            if attempt == 2 and broken is None:
                raise EngineError("The engine ended its answer too early.", hint="Try again.")
            generation = await self._again(attempt, generation, broken)
            seats = sorted(open_seats)
            begun = "".join(piece.text for piece in said)
            if begun and len(seats) == 1 and not any(p.tool_calls or p.reasoning for p in said):
                before = max(piece.tokens or 0 for piece in said)
                request, max_tokens = _going_on(request, begun), max(1, max_tokens - before)
            else:
                for seat in seats:
                    yield Piece(seat, restart=True)

    async def _stream(
        self, request: ChatRequest, seats: list[int], max_tokens: int
    ) -> AsyncGenerator[Piece]:
        """The engine's stream, with its tokens counted for `status`."""
        started, counts = time.monotonic(), dict.fromkeys(seats, 0)
        try:
            async with aclosing(self._http.stream(request, seats, max_tokens)) as stream:
                async for piece in stream:
                    counts[piece.seat] = piece.tokens or counts[piece.seat]
                    yield piece
        finally:
            total, seconds = sum(counts.values()), time.monotonic() - started
            self._tokens += total
            if total > 1:
                self._speed = total / seconds

    async def _count(self, request: ChatRequest) -> int:
        generation = await self._child.ready()
        try:
            return await self._http.count(request)
        except httpx.TransportError as broken:
            generation = await self._again(1, generation, broken)
        try:
            return await self._http.count(request)
        except httpx.TransportError as broken:
            return await self._again(2, generation, broken)

    async def _again(self, attempt: int, generation: int, broken: Exception | None) -> int:
        """Waits for the next life of the engine; a second death in one request is the end."""
        if attempt == 2:
            raise EngineUnavailable(
                "The engine died or broke off twice on this request.", hint="Try again."
            ) from broken
        here = self._child.generation == generation and self._child.state == "ready"
        if here and await self._http.alive():
            return generation
        return await self._child.ready(after=generation)

    def _settle_later(self, share: Share) -> None:
        """Gives back the share of a request that ended early: the engine needs a moment to notice
        that we hung up."""
        if self._closing:
            self._admission.release(share)
            return
        task = asyncio.create_task(self._settle(share))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, share: Share) -> None:
        """Gives `share` back once the engine has stopped working for it."""
        try:
            deadline = time.monotonic() + _SETTLE_S
            while time.monotonic() < deadline:
                if await self._http.busy() <= self._admission.busy_slots - share.slots:
                    break
                await asyncio.sleep(0.01)
        except (httpx.HTTPError, ValueError, AttributeError):
            pass  # a dead engine works for nobody
        finally:
            self._admission.release(share)

    def status(self, *, memory: bool = True) -> EngineStatus:
        """See Served.status."""
        pid = self._child.pid
        rss, pss = memory_of(pid if memory else None)
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
            file=str(self._config.path.resolve()),
            engine="llama-server" if self._config.program else "llama.cpp",
        )


def _going_on(request: ChatRequest, begun: str) -> ChatRequest:
    """The request that makes the engine go on after `begun`: text that was streamed to the caller
    is never taken back."""
    prefix = {"role": "assistant", "content": begun}
    return replace(request, messages=(*request.messages, prefix))
