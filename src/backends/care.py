"""How long we wait for an engine, and when one that dies is started again: values and rules."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patience:
    """All in seconds. Silence is counted while a call waits and not a byte comes.

    After `suspect_s` of it we look closer. The engine hangs when `hung_s` pass without a heartbeat
    of its working loop and without work of its processes (a slow one, or one that reads a long
    prompt, works): a batch on a slow graphics card shows neither for a while. When `stuck_s` pass
    without a byte or a heartbeat it hangs however busy it is. `look_s` is how often we look,
    `heartbeat_s` how long a heartbeat may take.
    """

    look_s: float = 1.0
    suspect_s: float = 5.0
    heartbeat_s: float = 2.0
    hung_s: float = 60.0
    stuck_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """When a child that died is started again. Times in seconds.

    One that has never been ready gets `unready` tries. One that was is started again after
    `first_s`, and `factor` times later for each further death that comes within `quick_s` of its
    being ready and before it has finished an answer. After `quick` such deaths in a row (or
    `unready` starts that failed) it is taken out for `rest_s`, twice as long every further time:
    it fails its callers at once meanwhile.
    """

    first_s: float = 0.05
    factor: float = 3.0
    longest_wait_s: float = 10.0
    unready: int = 3
    quick: int = 6
    quick_s: float = 60.0
    rest_s: float = 30.0
    longest_rest_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Care:
    """What an engine's supervisor goes by. With `idle_s` the model leaves the memory after so many
    seconds without a request; None keeps it."""

    patience: Patience = Patience()
    backoff: Backoff = Backoff()
    idle_s: float | None = None


USUAL = Care()


@dataclass(slots=True)
class Record:
    """The deaths of one child so far; `crashing` once it only comes up to die again."""

    rule: Backoff = field(default_factory=Backoff)
    crashing: bool = False
    row: int = 0  # deaths one soon after the other
    _lived: bool = False  # was it ever ready
    _unready: int = 0
    _rests: int = 0

    def died(self, lived_s: float | None, fruitful: bool = False) -> float | None:
        """Takes a death; `lived_s` is how long the child was ready, None when it never was, and
        `fruitful` whether it finished an answer meanwhile.

        Returns the seconds to wait before the next start, None when there is to be none.
        """
        rule = self.rule
        if lived_s is None:
            self._unready += 1
            if not self._lived and self._unready >= rule.unready:
                return None
            self.row += 1
        else:
            self._lived, self._unready = True, 0
            if fruitful or lived_s >= rule.quick_s:
                self.row = self._rests = 0
            self.row += 1
        self.crashing = self._lived and (self.row >= rule.quick or self._unready >= rule.unready)
        if self.crashing:
            self._rests += 1
            return min(rule.rest_s * 2.0 ** min(self._rests - 1, 16), rule.longest_rest_s)
        if lived_s is None:
            return 0.5 * self._unready
        return min(rule.first_s * rule.factor ** (self.row - 1), rule.longest_wait_s)
