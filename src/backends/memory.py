"""What a process takes of the machine's memory."""

from __future__ import annotations

import time
from pathlib import Path

from ..models.footprint import Need

_FRESH_S = 1.0  # the kernel walks all pages for an answer
_known: dict[int, tuple[float, tuple[int | None, int | None]]] = {}


def memory_of(pid: int | None) -> tuple[int | None, int | None]:
    """(RSS, PSS) in bytes, at most a second old; None where there is no process, or the system
    does not tell."""
    if pid is None:
        return None, None
    asked, facts = _known.get(pid, (-_FRESH_S, (None, None)))
    now = time.monotonic()
    if now - asked >= _FRESH_S:
        _known.clear()  # pids of the dead are not kept
        facts = _ask(pid)
        _known[pid] = now, facts
    return facts


def resident_of(pid: int | None, file: Path, need: Need) -> int | None:
    """Bytes that the process of a loaded model takes, None where the system does not tell.

    Engines rearrange some weights for the processor, and leave the pages of `file` that they
    copied from mapped until the system wants them back. Where a process holds half of the weights
    and all else that it needs beside the file, the file's pages are such, and are not counted.
    """
    import psutil

    rss, pss = memory_of(pid)
    if pid is None or pss is None:
        return rss
    try:
        maps = psutil.Process(pid).memory_maps(grouped=True)
    except (psutil.Error, AttributeError, OSError):
        return pss
    mapped = sum(getattr(part, "pss", 0) for part in maps if Path(part.path).name == file.name)
    copied = pss - mapped > need.kv + need.compute + need.weights // 2
    return pss - mapped if copied else pss


def _ask(pid: int) -> tuple[int | None, int | None]:
    """Of the process and its children: some engines run behind a process of ours."""
    import psutil

    rss, pss = 0, 0
    whole = True
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            full = one.memory_full_info()
            rss += full.rss
            whole = whole and hasattr(full, "pss")
            pss += getattr(full, "pss", 0)
    except psutil.Error:
        return None, None
    return rss, pss if whole else None
