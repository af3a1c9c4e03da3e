"""Calls under way to one engine, and its signs of life."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pulse:
    """Kept by the HTTP client of one engine; read by who watches the engine.

    `beats` counts signs that its working loop lives: parts of an answer, not answers of a thread
    that only counts tokens. `answers` counts whole answers.
    """

    def __init__(self) -> None:
        self.beats = 0
        self.answers = 0
        self.calls = 0
        self.last = time.monotonic()  # when something was asked or heard
        self._streams = 0
        self._changed = asyncio.Event()

    @contextmanager
    def call(self, *, stream: bool = False) -> Iterator[None]:
        """Around everything that waits for the engine."""
        self.calls += 1
        self._streams += stream
        self.touch()
        try:
            yield
        finally:
            self.calls -= 1
            self._streams -= stream
            self.touch()

    def beat(self) -> None:
        """A part of an answer has come."""
        self.beats += 1
        self.last = time.monotonic()

    def answered(self) -> None:
        """A whole answer has come: a sign of life, unless another call waits for parts of its own,
        which a thread beside the working loop cannot vouch for."""
        if not self._streams:
            self.beat()

    def touch(self) -> None:
        """The engine is wanted."""
        self.last = time.monotonic()
        self._changed.set()

    async def news(self) -> None:
        """Returns once `touch` was called, which may have been before."""
        await self._changed.wait()
        self._changed.clear()
