"""How a peer stands with us: a pure account of what was seen of it. Times are seconds of any one
clock that never goes back, handed in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DOWN_AFTER = 3  # polls in a row without an answer
EJECT_AFTER = 3  # failed ballots in a row
_EJECTED_S, _LONGEST_S = 15.0, 300.0
_AGAIN_S = 1.0  # after a missed poll


class State(StrEnum):
    """`up` answers and takes questions, `busy` answers and takes none now, `suspect` has failed us
    and not answered since, `down` does not answer."""

    UP = "up"
    BUSY = "busy"
    SUSPECT = "suspect"
    DOWN = "down"


def pause(peers: int) -> float:
    """Seconds between two polls of one peer: 2, and more where that would be over 16 a second."""
    return max(2.0, peers / 16)


@dataclass(slots=True)
class Standing:
    """Fed by polls (`answered`, `missed`) and by ballots (`worked`, `failed`, `busy`).

    Three failed ballots in a row put a peer out for 15 s, then 30, up to 5 minutes: one that
    answers polls and fails questions would cost every vote its grace. Being busy is no failure.
    """

    seen: float | None = None
    misses: int = DOWN_AFTER  # nobody is up before it has answered
    suspected: bool = False
    failures: int = 0
    ejections: int = 0
    ejected_until: float = 0.0
    busy_until: float = 0.0

    def answered(self, now: float, busy_s: float = 0.0) -> None:
        """A poll came back; the peer wants no question for `busy_s` seconds."""
        self.seen, self.misses, self.suspected = now, 0, False
        self.busy_until = now + busy_s

    def missed(self) -> None:
        """A poll did not come back."""
        self.misses += 1

    def worked(self, now: float) -> None:
        """A ballot came."""
        self.seen, self.misses, self.suspected, self.failures = now, 0, False, 0
        self.ejections = max(0, self.ejections - 1)

    def failed(self, now: float) -> None:
        """A ballot did not come: broken off, late, or not what was agreed."""
        self.suspected = True
        self.failures += 1
        if self.failures >= EJECT_AFTER:
            self.ejected_until = now + min(_EJECTED_S * 2.0**self.ejections, _LONGEST_S)
            self.ejections += 1
            self.failures = 0

    def busy(self, now: float, seconds: float) -> None:
        """It said that it takes no question for so long."""
        self.busy_until = max(self.busy_until, now + seconds)

    def state(self, now: float) -> State:
        if self.misses >= DOWN_AFTER:
            return State.DOWN
        if self.misses or self.suspected:
            return State.SUSPECT
        return State.BUSY if now < self.busy_until else State.UP

    def ejected_s(self, now: float) -> float:
        """Seconds for which it is put out; 0 when it is not."""
        return max(0.0, self.ejected_until - now)

    def askable(self, now: float) -> bool:
        """Whether a question may be sent to it."""
        return self.state(now) is State.UP and now >= self.ejected_until

    def next_poll(self, peers: int) -> float:
        """Seconds until it should be polled again."""
        return _AGAIN_S if self.state(0) is State.SUSPECT else pause(peers)
