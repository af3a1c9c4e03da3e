"""What other programs take of the machine while something is measured."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from .numbers import MIB

OTHERS = 0.25  # share of the processor that others may take while speed is measured
_WATCH_S, _LOOK_S = 0.05, 0.3
_SWAPPED = 512 * MIB


def clock() -> tuple[float, float, float]:
    """Processor seconds of all programs, those of ours, and the time."""
    import psutil

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    ours = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with suppress(psutil.Error):
            spent = process.cpu_times()
            ours += spent.user + spent.system
    return sum(times[:8]) - idle, ours, time.monotonic()


def others(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """The share of the whole processor, 0 to 1, that programs other than ours took."""
    import psutil

    busy, ours, seconds = (late - early for early, late in zip(before, after, strict=True))
    return max(0.0, busy - ours) / max(seconds * (psutil.cpu_count() or 1), 1e-3)


def busy() -> bool:
    """Whether other programs work just now, so that a speed cannot be measured."""
    import psutil

    return psutil.cpu_percent(_LOOK_S) > 100 * OTHERS


async def watch() -> str:
    """Returns once the machine runs out of memory, with what showed that."""
    import psutil

    floor = min(256 * MIB, psutil.virtual_memory().total // 32)
    swapped = psutil.swap_memory().used
    while True:
        await asyncio.sleep(_WATCH_S)
        free = psutil.virtual_memory().available
        if free < floor:
            return f"{free // MIB} MiB of RAM were left"
        if psutil.swap_memory().used - swapped > _SWAPPED:
            return "the machine began to swap"
