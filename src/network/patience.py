"""Who is asked less often, because its ballots came too late for questions like this one.

Lateness is judged among questions of one kind and length: a slow machine that is always late for a
sum may well be in time for a page of text, where the grace is longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..chat import ChatRequest
from ..swarm.canonical import asked_of

PATIENCE = 3  # times in a row that a peer may be too late before it sits out
RAREST = 8  # of so many questions like that one at least is asked
TRIED_AGAIN_S = 300.0  # whatever was asked meanwhile
_LENGTHS = ((2_000, "short"), (16_000, "long"))  # characters of all messages, below which


@dataclass(slots=True)
class _Row:
    """Late so many times in a row, the last time at `at`; questions left out since then."""

    late: int = 0
    left_out: int = 0
    at: float = 0.0

    @property
    def every(self) -> int:
        """Every how manieth question it is asked."""
        return min(RAREST, 1 << max(0, self.late - PATIENCE + 1))


class Patience:
    """Counts, for each peer, how often it was too late in a row. `now` is a clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rows: dict[str, dict[tuple[str, str], _Row]] = {}

    def turn(self, id: str, request: ChatRequest) -> str | None:
        """None when a peer is to be asked this, else why it sits the question out."""
        rows = self._rows.get(id)
        if not rows or (row := rows.get(_like(request))) is None:
            return None
        waited = self._now() - row.at > TRIED_AGAIN_S
        if row.left_out + 1 >= row.every or waited:
            return None
        row.left_out += 1
        return f"it sits out: {_words(_like(request), row)}"

    def late(self, id: str, request: ChatRequest) -> None:
        """An answer had to go without its ballots."""
        row = self._rows.setdefault(id, {}).setdefault(_like(request), _Row())
        row.late, row.left_out, row.at = row.late + 1, 0, self._now()

    def in_time(self, id: str, request: ChatRequest) -> None:
        """A ballot counted: all is well again for questions like that."""
        rows = self._rows.get(id)
        if rows:
            rows.pop(_like(request), None)

    def told(self, id: str) -> str | None:
        """Which questions a peer sits out, for people; None when it is asked all."""
        rows = self._rows.get(id, {}).items()
        return "; ".join(_words(like, row) for like, row in rows if row.every > 1) or None


def _words(like: tuple[str, str], row: _Row) -> str:
    length, kind = like
    often = "every second" if row.every == 2 else f"one in {row.every}"
    questions = f"{length} {kind} questions"
    return f"too late {row.late} times in a row for {questions}, asked {often} of them."


def _like(request: ChatRequest) -> tuple[str, str]:
    """Length and kind of a question, which is what is known of its answer's length."""
    asked = asked_of(request)
    characters = sum(len(str(message.get("content") or "")) for message in request.messages)
    length = next((name for most, name in _LENGTHS if characters < most), "very long")
    return length, "tool" if asked.tools else asked.kind.value
