"""The named ways to choose a winner."""

from __future__ import annotations

from ...errors import InvalidRequest
from ..canonical import Kind
from . import fastest, majority, quality, similarity
from .base import Poll, Strategy

__all__ = ["AUTO", "NAMES", "Poll", "Strategy", "check", "named"]

AUTO = "auto"
_NAMED: dict[str, Strategy] = {
    "majority": majority,
    "similarity": similarity,
    "quality": quality,
    "fastest": fastest,
}
NAMES = (AUTO, *_NAMED)


def check(name: str) -> None:
    """Raises InvalidRequest when there is no strategy of that name."""
    if name not in NAMES:
        raise InvalidRequest(
            f"There is no strategy '{name}'.",
            param="swarm.strategy",
            hint=f"There are: {', '.join(NAMES)}.",
        )


def named(name: str, kind: Kind) -> tuple[str, Strategy]:
    """The strategy of that name, and its own name; `auto` picks by kind. Raises InvalidRequest."""
    check(name)
    if name == AUTO:
        name = "similarity" if kind in (Kind.TEXT, Kind.SHORT) else "majority"
    return name, _NAMED[name]
