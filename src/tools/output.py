"""Head and tail of a command's output, whatever it writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .policy import Limits


class Kept:
    """Keeps the first and the last half of `limits.output` bytes; counts what lay between."""

    def __init__(self, limits: Limits) -> None:
        self._half = limits.output // 2
        self._flood = limits.flood
        self._head, self._tail = bytearray(), bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        self._total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        del self._tail[: -self._half]

    @property
    def flooded(self) -> bool:
        """True once so much came that the command is to be ended."""
        return self._total >= self._flood

    @property
    def dropped(self) -> int:
        """Bytes that were cut out of the middle."""
        return self._total - len(self._head) - len(self._tail)

    def bytes(self) -> bytes:
        """What was kept, with a line that says so where something was cut out."""
        if not self.dropped:
            return bytes(self._head + self._tail)
        note = f"\n[{self.dropped} bytes left out]\n".encode()
        return bytes(self._head) + note + bytes(self._tail)


async def keep(stream: asyncio.StreamReader, kept: Kept, end: Callable[[], None]) -> None:
    """Reads a stream to its end; calls `end` once when it floods."""
    ordered = False
    while data := await stream.read(65536):
        kept.add(data)
        if kept.flooded and not ordered:
            ordered = True
            end()
