"""The node's log: one line a vote, never a word of a prompt or an answer."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

from .ballot import Verdict

NAME = "local-swarm.log"
_BYTES, _KEPT = 1 << 20, 3
_LOG = logging.getLogger("local_swarm.vote")


@contextlib.contextmanager
def written(state: Path) -> Iterator[Path | None]:
    """Writes what Local Swarm logs to a file in `state` (mode 0600, 3 old files of 1 MiB kept).
    Yields its path; None where it cannot be written, which is no reason not to serve."""
    path = state / NAME
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = _Patient(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
    except OSError:
        yield None
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("local_swarm")
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield path
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)
        with contextlib.suppress(OSError):  # the last lines find no room either
            handler.close()


class _Patient(RotatingFileHandler):
    """A line that finds no room on the disk is lost, and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def vote(of: Verdict) -> None:
    """One line about a vote: how it went and what it cost."""
    winner = of.winner
    # What an engine says of its failure comes after a colon, and may quote what it was asked.
    degraded = (of.degraded or "").partition(":")[0]
    _LOG.info(
        "%s share %.2f, %s by %s, %d of %d seats, %d cancelled, %d abstained, %d groups, "
        "%d rounds, %d tokens, %.2f s, winner %s%s",
        of.status.value, of.share, of.kind, of.strategy, of.cast, of.asked, of.cancelled,
        of.abstained, len(of.groups), max(1, len(of.rounds)), of.total_tokens, of.seconds,
        winner.voter if winner else "none", f", {degraded}" if degraded else "",
    )  # fmt: skip
