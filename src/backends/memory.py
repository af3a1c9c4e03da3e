"""What a process takes of the machine's memory."""

from __future__ import annotations

import time

_FRESH_S = 1.0  # the kernel walks all pages for an answer, and every request asks for the status
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


def _ask(pid: int) -> tuple[int | None, int | None]:
    import psutil

    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return None, None
    return full.rss, getattr(full, "pss", None)
