"""Who may use the engine's slots and KV cache, and when: clients take turns, nobody passes.

The engine itself lets single requests starve a waiting request of many seats, and fails every
running request when its KV cache overflows. So the node counts both before it asks.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from ..caller import caller
from ..errors import QueueFull
from .line import Line

_LARGEST_PART = 0.75  # of the queue, for one client: the others find room
_SMOOTH = 0.2  # weight of the newest of the times between two ends


@dataclass(frozen=True, slots=True)
class Share:
    """What one request takes: `slots` sequences and `cells` tokens of KV cache."""

    slots: int
    cells: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How a request is run: `seats` answers of at most `max_tokens` each, `at_once` in parallel."""

    seats: int
    at_once: int
    max_tokens: int
    degraded: str | None


@dataclass(slots=True)
class Admission:
    """Counts `slots` and KV `cells`; at most `queue_limit` requests wait.

    The clients (see caller.py) take turns; one of them may take three quarters of the queue.
    """

    slots: int
    cells: int
    queue_limit: int = 128
    busy_slots: int = 0
    busy_cells: int = 0
    _waiting: Line[tuple[Share, asyncio.Future[None]]] = field(default_factory=Line)
    _between_s: float | None = None  # from one end to the next while others wait
    _last_end: float | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait in the queue."""
        return len(self._waiting)

    def check(self) -> None:
        """Raises QueueFull when no further request of this caller may wait."""
        waiting, own = len(self._waiting), self._waiting.of(caller.get())
        if waiting >= self.queue_limit:
            raise QueueFull(waiting, retry_s=self._half_empty_s())
        if own >= max(1, self.queue_limit * _LARGEST_PART):
            raise QueueFull(own, retry_s=self._half_empty_s(), own=True)

    async def acquire(self, share: Share) -> None:
        """Waits for its turn. Raises QueueFull at once when too many wait already.

        Cancelling the wait gives up the place in the queue.
        """
        if self.free(share):
            self._take(share)
            return
        self.check()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client, entry = caller.get(), (share, turn)
        self._waiting.add(client, entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(share)  # the turn came in the same moment
            else:
                self._waiting.remove(client, entry)
                self._wake()
            raise

    def free(self, share: Share) -> bool:
        """Whether `acquire` would not wait."""
        return not self._waiting and self._fits(share)

    def shrink(self, share: Share, cells: int) -> Share:
        """Gives back `cells` of what `acquire` took; the rest."""
        self.busy_cells -= cells
        self._wake()
        return Share(share.slots, share.cells - cells)

    def release(self, share: Share) -> None:
        """Gives back what `acquire` took."""
        now = time.monotonic()
        if self._waiting and self._last_end is not None:
            between = now - self._last_end
            before = between if self._between_s is None else self._between_s
            self._between_s = before + _SMOOTH * (between - before)
        self._last_end = now
        self.busy_slots -= share.slots
        self.busy_cells -= share.cells
        self._wake()

    def _half_empty_s(self) -> float:
        """When half of those who wait now will have had their turn, by the speed so far."""
        return (self._between_s or 0.0) * len(self._waiting) / 2

    def _fits(self, share: Share) -> bool:
        return (
            self.busy_slots + share.slots <= self.slots
            and self.busy_cells + share.cells <= self.cells
        )

    def _take(self, share: Share) -> None:
        self.busy_slots += share.slots
        self.busy_cells += share.cells

    def _wake(self) -> None:
        while (entry := self._waiting.first()) is not None:
            share, turn = entry
            if not turn.cancelled():
                if not self._fits(share):
                    return
                self._take(share)
                turn.set_result(None)
            self._waiting.pop()


def shape(
    *, seats: int, prompt: int, max_tokens: int | None, context: int, slots: int, cells: int
) -> Shape:
    """Fits a request to the engine. Pure; all sizes in tokens, `prompt` below `context`.

    More seats than slots go in waves. A KV cache that cannot hold the answers of all seats
    beside each other makes seats fewer, and `degraded` says so. Without a `max_tokens` one seat
    may fill the context, several at most half of it.
    """
    room = max(1, min(context, cells) - prompt)
    at_once = min(seats, slots)
    if max_tokens is None:
        bound = room if seats == 1 else min(room, max(1, context // 2))
        if at_once > 1:
            # A bound of our own choice shrinks before seats are given up, to a point.
            bound = max(min(bound, (cells - prompt) // at_once), min(bound, context // 8))
    else:
        bound = max(1, min(max_tokens, room))
    fit = max(1, (cells - prompt) // max(1, bound))
    if fit >= at_once:
        return Shape(seats, at_once, bound, None)
    return Shape(fit, fit, bound, f"memory for {fit} of {seats} answers of up to {bound} tokens")
