"""How fast this machine's memory is, measured: writing a token reads all weights once."""

from __future__ import annotations

import ctypes
import threading
import time

_BLOCK = 32 << 20  # more than a cache holds
_BURSTS, _BURST_S = 4, 0.03
_THREADS = 8  # so many copy as fast as the memory allows


def measure(cores: int, available: int) -> int | None:
    """Bytes a second that are read and written by copies on up to `cores` cores.

    Takes about half a second and at most an eighth of the `available` bytes; the best of a few
    bursts, so that other programs disturb little. None where there is no room to measure.
    """
    threads = max(1, min(cores, _THREADS))
    block = min(_BLOCK, available // 16 // threads)
    if block < 1 << 20:
        return None
    try:
        pairs = [(bytearray(block), bytearray(block)) for _ in range(threads)]
    except MemoryError:
        return None
    addresses = [
        tuple(ctypes.addressof(ctypes.c_char.from_buffer(side)) for side in pair) for pair in pairs
    ]
    best = 0.0
    for _ in range(1 + _BURSTS):  # the first touches the pages
        copied = [0] * threads
        started = time.perf_counter()
        until = started + _BURST_S

        def work(at: int, until: float, copied: list[int]) -> None:
            target, source = addresses[at]
            while time.perf_counter() < until:
                ctypes.memmove(target, source, block)  # other threads run meanwhile
                copied[at] += 2 * block

        workers = [
            threading.Thread(target=work, args=(at, until, copied), name="bandwidth")
            for at in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = max(best, sum(copied) / (time.perf_counter() - started))
    return int(best)
