"""What the ballots of an election will weigh at the least and at the most, in the end. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .tally import Cast, originals
from .weights import HOME, Caps, Out, share_bound


@dataclass(slots=True)
class Block:
    """Ballots that stay in one group whatever comes: their key's value is the same.

    `parts` is their weight by machine before any cap; `aliases` the values that they may be read
    as.
    """

    value: str
    parts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    aliases: set[str] = field(default_factory=set)

    def joins(self, other: Block) -> bool:
        """Whether the two may be read as the same."""
        return other is self or other.value in self.aliases or self.value in other.aliases


class Outlook:
    """The blocks of the valid ballots, and who may still cast how much.

    Every machine's weight has an upper and a lower limit: its own cap, and the share of all that
    no peer exceeds, which grows with every ballot that is cast.
    """

    def __init__(self, casts: Sequence[Cast], out: Out, caps: Caps | None) -> None:
        self._caps = caps
        self.blocks: dict[str, Block] = {}
        self._cast: defaultdict[str, float] = defaultdict(float)
        for cast in originals(cast for cast in casts if cast.key):
            assert cast.key
            block = self.blocks.setdefault(cast.key.value, Block(cast.key.value))
            block.aliases |= {cast.key.alias} if cast.key.alias else set()
            machine = cast.ballot.machine if caps else HOME
            block.parts[machine] += cast.weight
            self._cast[machine] += cast.weight
        self._out = self._awaited(out)
        self._limits = self._limited()

    def margin(self, mine: Iterable[Block], theirs: Iterable[Block]) -> float:
        """The least by which `mine` outweighs `theirs` in the end, if all that is still cast is
        cast for `theirs`, or for nobody yet; negative where it may fall behind."""
        mine, theirs = list(mine), list(theirs)
        parts = []
        for machine in self._cast.keys() | self._out.keys():
            out = self._out.get(machine, 0.0)
            whole = self._cast[machine] + out
            lead = math.fsum(block.parts[machine] for block in mine)
            lead -= math.fsum(block.parts[machine] for block in theirs)
            least, most = self._limits[machine]
            limit = most if lead < out else least
            parts.append((lead - out) * min(1.0, limit / whole) if whole else 0.0)
        # Rounded: 1.2 - 0.8 is more than 0.4, else, and a tie would pass for a lead.
        return round(math.fsum(parts), 9)

    def least(self, block: Block) -> float:
        """The least that a block weighs in the end."""
        return math.fsum(
            weight * min(1.0, self._limits[machine][0] / (self._cast[machine] + self._out[machine]))
            for machine, weight in block.parts.items()
            if weight
        )

    def most(self, silent: Mapping[str, float]) -> float:
        """The most that all weigh in the end, with those whose ballots are `silent` (not valid):
        a peer as much again as its cap."""
        parts = []
        for machine in self._cast.keys() | self._out.keys() | silent.keys():
            cap = math.inf if self._caps is None else self._caps.alone(machine)
            whole, mute = self._cast[machine] + self._out[machine], silent.get(machine, 0.0)
            if cap == math.inf:
                parts.append(whole + mute)
            else:
                parts.append(min(cap, whole) + min(cap, mute + self._out[machine]))
        return math.fsum(parts)

    def home_agrees(self, leader: Block) -> bool:
        """Whether home cannot come to overrule `leader` for having but one peer behind it."""
        caps = self._caps
        if caps is None or not caps.two_peers:
            return True
        if sum(1 for machine, w in leader.parts.items() if w and not caps.own(machine)) > 1:
            return True
        own = [machine for machine in self._cast.keys() | self._out.keys() if caps.own(machine)]
        ours = math.fsum(leader.parts[machine] for machine in own)
        return round(2 * ours - math.fsum(self._cast[m] + self._out[m] for m in own), 9) >= 0

    def _awaited(self, out: Out) -> defaultdict[str, float]:
        if self._caps is None:
            whole = math.fsum(out.values()) if isinstance(out, Mapping) else out
            return defaultdict(float, {HOME: whole})
        if isinstance(out, Mapping):
            return defaultdict(float, out)
        return defaultdict(float, dict.fromkeys([HOME, *self._cast], out))  # anybody may cast it

    def _limited(self) -> dict[str, tuple[float, float]]:
        caps, machines = self._caps, self._cast.keys() | self._out.keys()
        if caps is None:
            return dict.fromkeys(machines, (math.inf, math.inf))
        whole = {machine: self._cast[machine] + self._out[machine] for machine in machines}
        home = any(weight for machine, weight in self._cast.items() if caps.own(machine))
        to_come = any(weight for machine, weight in self._out.items() if caps.own(machine))
        lower = share_bound(self._cast, caps) if home or not to_come else 0.0
        upper = share_bound(whole, caps) if home else math.inf
        return {
            machine: (math.inf, math.inf)
            if caps.own(machine)
            else (min(caps.alone(machine), lower), min(caps.alone(machine), upper))
            for machine in machines
        }
