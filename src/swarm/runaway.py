"""Text that goes round and round. Pure."""

from __future__ import annotations

_PERIOD = 300  # characters that are said again at most
_TAIL = 1200  # characters that a loop has filled at least


def runs_away(text: str) -> bool:
    """Whether the end of `text` says the same over and over: four times and more, and without a
    character of anything else. Long tables and lists differ from row to
    row. Far stricter than `quality.loops`: a seat is stopped for it."""
    tail = text[-_TAIL:]
    if len(tail) < _TAIL:
        return False
    period = _TAIL - 1 - tail.rfind(tail[-_PERIOD:], 0, -1) - (_PERIOD - 1)
    return period <= _PERIOD and tail[period:] == tail[:-period]
