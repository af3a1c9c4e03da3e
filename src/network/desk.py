"""Who may use this machine's engine: its own user first, then peers, in the order they came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_WIDTH = 2  # questions of peers that are answered at once
_WAITING = 16  # that wait, of all peers
_RETRY_S = 2.0
_REMEMBERED_S = 60.0
_REMEMBERED = 4096


class Full(Exception):
    """No place now; ask again after `retry_s` seconds."""

    def __init__(self, why: str, retry_s: float = _RETRY_S) -> None:
        super().__init__(why)
        self.why = why
        self.retry_s = retry_s


class Repeated(Exception):
    """This peer has asked the same question already."""


@dataclass(eq=False)
class Job:
    """One question of a peer. `stopped` is set when the machine's own user needs the engine."""

    peer: str
    id: str
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: asyncio.Event = field(default_factory=asyncio.Event)

    async def turn(self) -> None:
        """Waits until it may run."""
        await self._turn.wait()

    @property
    def running(self) -> bool:
        return self._turn.is_set()


class Desk:
    """Counts what runs and waits. Of each peer one question runs and one waits."""

    def __init__(self) -> None:
        self._local = 0
        self._jobs: list[Job] = []
        self._answered: dict[tuple[str, str], float] = {}

    @property
    def running(self) -> int:
        """How many questions of peers are answered now."""
        return sum(1 for job in self._jobs if job.running)

    @property
    def waiting(self) -> int:
        """How many questions of peers wait."""
        return sum(1 for job in self._jobs if not job.running)

    @property
    def busy(self) -> bool:
        """Whether the engine works for anybody."""
        return self._local > 0 or self.running > 0

    @contextmanager
    def local(self) -> Iterator[None]:
        """While a request of the machine's own user is answered: peers' work is stopped at once,
        and none is taken. They are told, and count on this machine no longer for their question."""
        self._local += 1
        for job in self._jobs:
            job.stopped.set()
        try:
            yield
        finally:
            self._local -= 1

    @contextmanager
    def job(self, peer: str, id: str) -> Iterator[Job]:
        """A place for one question of a peer, until the block ends. Raises Full, Repeated."""
        now = time.monotonic()
        self._forget(now)
        own = [job for job in self._jobs if job.peer == peer]
        if (peer, id) in self._answered or any(job.id == id for job in own):
            raise Repeated
        if self._local:
            raise Full("its own user is asking")
        if len(own) >= 2 or self.waiting >= _WAITING:
            raise Full("busy")
        job = Job(peer, id)
        self._jobs.append(job)
        self._next()
        try:
            yield job
            self._answered[peer, id] = now  # only what was answered whole may not come again
        finally:
            self._jobs.remove(job)
            self._next()

    def _next(self) -> None:
        for job in self._jobs:
            if self.running >= _WIDTH:
                return
            busy = any(other.running and other.peer == job.peer for other in self._jobs)
            if not job.running and not busy:
                job._turn.set()

    def _forget(self, now: float) -> None:
        for key, at in list(self._answered.items()):
            if now - at > _REMEMBERED_S or len(self._answered) > _REMEMBERED:
                del self._answered[key]
