"""An engine behind OpenAI's chat wire: somebody else's server, or a child of ours.

Where one request cannot have several choices, the seats are asked in requests beside each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ..chat import ChatRequest, text_of
from ..errors import ContextOverflow, EngineError, EngineUnavailable, InvalidRequest, SwarmError
from ..status import EngineStatus
from .admission import Admission, Share
from .base import Grant, Piece
from .care import USUAL, Care
from .memory import memory_of
from .merging import merged
from .openai_http import OpenAiHttp
from .openai_wire import N, Reading
from .process import Child
from .watchdog import Watchdog

_UNBOUNDED = 1 << 40  # the server counts its own KV cache
_LAUNCHER = "local_swarm.backends.launch_child"
_LONGEST = 4096  # tokens of an answer that nobody bounded


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """A server at `url` (without /v1) that serves `model`, which the swarm calls `name`.

    `slots` requests run beside each other; `context` in tokens is None where nobody tells. `kind`
    is the program. `more` goes into every request.
    """

    url: str
    model: str
    name: str
    slots: int
    kind: str = "OpenAI-compatible server"
    key: str | None = None
    context: int | None = None
    more: dict[str, Any] = field(default_factory=dict)
    choices: bool = True  # whether one request may have several choices
    refuses: frozenset[str] = frozenset()  # optional fields that it does not have
    checks_length: bool = True  # whether it refuses a prompt that is longer than its context
    file: Path | None = None


class Endpoint:
    """An Engine. Start it with `start()`, end it with `close()`.

    With `launch`, a configuration of launch_child.py, the server is a child of ours.
    """

    def __init__(
        self,
        config: EndpointConfig,
        launch: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        care: Care = USUAL,
    ) -> None:
        self._config = config
        key = secrets.token_urlsafe(24) if launch else config.key
        self._http = OpenAiHttp(config.url, key, config.more)
        self._http.offers -= config.refuses | (frozenset() if config.choices else {N})
        self._admission = Admission(config.slots, _UNBOUNDED)
        self._child: Child | None = None
        self._watchdog: Watchdog | None = None
        if launch:
            pulse = self._http.pulse
            self._child = Child(
                _LAUNCHER, {**launch, "key": key}, environment or {}, self._born,
                pulse=pulse, backoff=care.backoff,
            )  # fmt: skip
            self._watchdog = Watchdog(self._child, pulse, care, None)
        self._state = "loading"
        self._why: str | None = None
        self._tokens = 0
        self._speed: float | None = None

    @property
    def model(self) -> str:
        return self._config.name

    async def start(self) -> None:
        """Returns when the server has produced a token. Raises EngineUnavailable."""
        if self._child and self._watchdog:
            self._watchdog.start()
            await self._child.start()
            return
        try:
            await self._http.probe(self._config.model)
        except httpx.HTTPError as error:
            self._lost(_said(error))
            raise self._gone() from error
        except SwarmError as error:
            self._lost(error.message)
            raise EngineUnavailable(error.message, hint=error.hint) from error
        self._state, self._why = "ready", None

    async def _born(self, birth: dict[str, Any]) -> None:
        """Returns when the child, born with `birth`, has produced a real token."""
        self._http.url = birth["url"]
        while True:
            try:
                return await self._http.probe(self._config.model)
            except EngineUnavailable:  # it listens, and loads still
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        self._state = "stopped"
        if self._child and self._watchdog:
            await self._watchdog.close()
            await self._child.close()
        await self._http.close()

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        """See Engine.sample."""
        self._admission.check()
        yield Grant(seats, 0)
        at_once = min(seats, self._config.slots)
        share = Share(at_once, 0)
        await self._admission.acquire(share)
        prompt = 0
        try:
            await self._measured(request)
            for first in range(0, seats, at_once):
                wave = list(range(first, min(first + at_once, seats)))
                async with aclosing(self._wave(request, wave)) as stream:
                    async for item in stream:
                        if isinstance(item, Piece):
                            yield item
                        elif item.prompt_tokens > prompt:
                            prompt = item.prompt_tokens
                            yield Grant(seats, prompt)
        finally:
            self._admission.release(share)

    async def _wave(
        self, request: ChatRequest, seats: list[int]
    ) -> AsyncGenerator[Piece | Reading]:
        """Runs `seats` beside each other: as choices of one request where the server has those."""
        open_seats = list(seats)
        await self._ready()
        if len(seats) > 1 and N in self._http.offers:
            heard: set[int] = set()
            try:
                async with aclosing(self._counted(request, seats)) as stream:
                    async for item in stream:
                        if isinstance(item, Piece):
                            heard.add(item.seat)
                            if item.finish:
                                open_seats.remove(item.seat)
                        yield item
            except (SwarmError, httpx.TransportError) as fault:
                if isinstance(fault, InvalidRequest) and heard:
                    raise
            if set(open_seats) - heard:  # refused, or only some of the choices came
                self._http.offers.discard(N)
            for seat in set(open_seats) & heard:
                yield Piece(seat, restart=True)
        if open_seats:
            streams = [self._seat(request, seat) for seat in open_seats]
            async with aclosing(merged(streams)) as stream:
                async for item in stream:
                    yield item

    async def _seat(self, request: ChatRequest, seat: int) -> AsyncGenerator[Piece | Reading]:
        """One seat; asked once more where the connection broke or the answer had no end."""
        for attempt in (1, 2):
            finished = said = False
            generation = await self._ready()
            try:
                async with aclosing(self._counted(request, [seat])) as stream:
                    async for item in stream:
                        if isinstance(item, Piece):
                            said = True
                            finished = finished or item.finish is not None
                        yield item
            except httpx.TransportError as broken:
                if attempt == 2 or not await self._back(generation):
                    self._lost(_said(broken))
                    raise self._gone() from broken
            if finished:
                self._state, self._why = "ready", None
                return
            if attempt == 2:
                raise EngineError("The server ended its answer too early.", hint="Try again.")
            if said:
                yield Piece(seat, restart=True)

    async def _counted(
        self, request: ChatRequest, seats: list[int]
    ) -> AsyncGenerator[Piece | Reading]:
        """The server's stream, with its tokens counted for `status`."""
        started, counts = time.monotonic(), dict.fromkeys(seats, 0)
        stream = self._http.stream(request, seats, self._config.model, self._bound(request))
        try:
            async with aclosing(stream):
                async for item in stream:
                    if isinstance(item, Piece):
                        counts[item.seat] = item.tokens or counts[item.seat]
                    yield item
        finally:
            total, seconds = sum(counts.values()), time.monotonic() - started
            self._tokens += total
            if total > 1:
                self._speed = total / seconds

    async def _measured(self, request: ChatRequest) -> None:
        """Raises ContextOverflow for a prompt that the server would take and not understand. One
        that may be too long is read for a single token first; servers keep what they have read."""
        context = self._config.context
        if context is None or self._config.checks_length:
            return
        length = sum(len(text_of(message.get("content"))) for message in request.messages)
        if length + len(str(request.tools)) < context:  # a token is a character at the least
            return
        await self._ready()
        stream = self._http.stream(request, [0], self._config.model, 1)
        with contextlib.suppress(httpx.TransportError):  # the answer itself deals with that
            async with aclosing(stream):
                async for item in stream:
                    if isinstance(item, Reading) and item.prompt_tokens >= context:
                        raise ContextOverflow(item.prompt_tokens, context)

    def _bound(self, request: ChatRequest) -> int:
        """Every answer has an end, in tokens."""
        context = self._config.context
        if request.max_tokens is not None:
            return min(request.max_tokens, context) if context else request.max_tokens
        return min(_LONGEST, context // 2) if context else _LONGEST

    async def _ready(self) -> int:
        """Waits for the child; its generation."""
        return await self._child.ready() if self._child else 0

    async def _back(self, generation: int) -> bool:
        """Whether the server is there (again)."""
        if self._child is None or self._child.generation == generation:
            if await self._http.alive():
                return True
            if self._child is None:
                return False
        await self._child.ready(after=generation)
        return True

    def _gone(self) -> EngineUnavailable:
        return EngineUnavailable(
            f"No server answers at {self._http.url}: {self._why}.", hint="Is it running?"
        )

    def _lost(self, why: str) -> None:
        if self._state != "stopped":
            self._state, self._why = "unreachable", why.rstrip(".")

    def status(self, *, memory: bool = True) -> EngineStatus:
        """See Served.status."""
        pid = self._child.pid if self._child else None
        rss, pss = memory_of(pid if memory else None)
        return EngineStatus(
            model=self.model,
            pid=pid,
            state=self._child.state if self._child else self._state,
            restarts=self._child.restarts if self._child else 0,
            rss=rss,
            pss=pss,
            slots=self._admission.slots,
            slots_busy=self._admission.busy_slots,
            kv_cells=0,
            kv_reserved=0,
            queue=self._admission.waiting,
            tokens_total=self._tokens,
            tokens_per_second=self._speed,
            why=self._child.why if self._child else self._why,
            file=str(self._config.file.resolve()) if self._config.file else None,
            engine=self._config.kind,
            url=None if self._child else self._config.url,
        )


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
