"""What a process takes of the machine's memory."""

from __future__ import annotations


def memory_of(pid: int | None) -> tuple[int | None, int | None]:
    """(RSS, PSS) in bytes; None where there is no process, or the system does not tell."""
    import psutil

    if pid is None:
        return None, None
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return None, None
    return full.rss, getattr(full, "pss", None)
