"""The named ways to choose a winner. A strategy does no I/O and reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...errors import InvalidRequest
from .. import tally
from . import fastest, majority


class Strategy(Protocol):
    """`settled` says whether the vote may stop while `out` ballots are still awaited."""

    def settled(self, groups: Sequence[tally.Heap], out: int) -> bool: ...


_NAMED: dict[str, Strategy] = {"majority": majority, "fastest": fastest}
_ALIASES = {"auto": "majority"}

NAMES = (*_ALIASES, *_NAMED)


def check(name: str) -> None:
    """Raises InvalidRequest when there is no strategy of that name."""
    named(name)


def named(name: str) -> tuple[str, Strategy]:
    """The strategy of that name, and its own name. Raises InvalidRequest."""
    name = _ALIASES.get(name, name)
    if name not in _NAMED:
        raise InvalidRequest(
            f"There is no strategy '{name}'.",
            param="swarm.strategy",
            hint=f"There are: {', '.join(NAMES)}.",
        )
    return name, _NAMED[name]
