"""What peers' ballots were worth to this machine: kept here, told to nobody.

A peer is proven once 20 of its ballots agreed with what this machine found by itself, and it never
broke its word. No word of a question or an answer is kept.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..ballot import Verdict
from ..errors import LanError
from ..swarm.weights import HOME
from . import private

PROVEN = 20  # ballots that agreed
_FILE = "record.json"
_KEPT = 1024
_LEAST_HOME = 2  # one ballot of home is no verdict


@dataclass(frozen=True, slots=True)
class Credit:
    """A peer's ballots that could be compared, those that agreed, its failed audits and the last
    one's reason; `seen` is when it last cast one, in Unix seconds."""

    ballots: int = 0
    agreed: int = 0
    audits: int = 0
    audit: str = ""
    seen: float = 0.0

    @property
    def proven(self) -> bool:
        return self.agreed >= PROVEN and not self.audits


class Record:
    """Kept in `folder`, readable by its owner alone. What cannot be written lasts until the end of
    the node: a vote never fails for it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._credits = _read(self._path)
        self._lock, self._version, self._stored = threading.Lock(), 0, 0

    def of(self, id: str) -> Credit:
        """What is known of a peer; nothing of one that never voted."""
        return self._credits.get(id, Credit())

    def audited(self, id: str, why: str) -> None:
        """A peer broke its word: a ballot without its commitment, or more of them than it may."""
        old = self.of(id)
        self._put({id: replace(old, audits=old.audits + 1, audit=why)})

    def forget(self, id: str) -> None:
        """Drops what is known of a peer."""
        if self._credits.pop(id, None) is not None:
            self._write()

    def heard(self, verdict: Verdict, machines: Mapping[str, str]) -> None:
        """Compares the peers' ballots with home's own choice: the answer that more than half of
        home's valid ballots gave, whoever won. `machines` maps names in the verdict to peers."""
        choice = _choice(verdict)
        if choice is None:
            return
        changed: dict[str, Credit] = {}
        for at, ballot in enumerate(verdict.ballots):
            id = machines.get(ballot.machine)
            if id is None or ballot.machine == HOME:
                continue
            old = changed.get(id, self.of(id))
            agreed = old.agreed + (verdict.keys.get(at) == choice)
            changed[id] = replace(
                old, ballots=old.ballots + 1, agreed=agreed, seen=round(time.time())
            )
        if changed:
            self._put(changed)

    def _put(self, changed: Mapping[str, Credit]) -> None:
        self._credits.update(changed)
        while len(self._credits) > _KEPT:
            self._credits.pop(min(self._credits, key=lambda id: self._credits[id].seen))
        self._write()

    def _write(self) -> None:
        """On a slow disk this takes a moment, and an answer is waiting: inside a loop a thread
        does it."""
        self._version += 1
        kept = {id: asdict(credit) for id, credit in self._credits.items()}
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._store(self._version, kept)
        else:
            loop.run_in_executor(None, self._store, self._version, kept)

    def _store(self, version: int, kept: dict[str, Any]) -> None:
        with self._lock, suppress(LanError):
            if version > self._stored:
                private.folder(self._path.parent)
                private.write(self._path, json.dumps(kept, indent=1).encode())
                self._stored = version


def _choice(verdict: Verdict) -> str | None:
    at_home = [
        verdict.keys[at]
        for at, ballot in enumerate(verdict.ballots)
        if ballot.machine == HOME and at in verdict.keys
    ]
    if len(at_home) < _LEAST_HOME:
        return None
    most = max(set(at_home), key=at_home.count)
    return most if 2 * at_home.count(most) > len(at_home) else None


def _read(path: Path) -> dict[str, Credit]:
    """A file that cannot be understood is the same as none: trust is earned anew."""
    try:
        private.close(path)
        told: Any = json.loads(path.read_bytes())
        return {str(id): _credit(one) for id, one in told.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _credit(one: Any) -> Credit:
    ballots, agreed, audits = one["ballots"], one["agreed"], one["audits"]
    if not all(isinstance(n, int) and n >= 0 for n in (ballots, agreed, audits)):
        raise ValueError("no count")
    return Credit(ballots, agreed, audits, str(one["audit"]), float(one["seen"]))
