"""When the rest of the ballots cannot change the winner any more. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .canonical import CALL, REFUSAL
from .tally import Cast, originals
from .weights import HOME, Caps


@dataclass(slots=True)
class Block:
    """Ballots that stay in one group whatever comes: their key's value is the same.

    `floor` is the least they weigh in the end, `ceiling` the most; `alias` the values that they
    may be read as.
    """

    value: str
    floor: float = 0.0
    ceiling: float = 0.0
    aliases: set[str] = field(default_factory=set)


def blocks(casts: Sequence[Cast], caps: Caps | None) -> dict[str, Block]:
    """The blocks of the valid ballots. With caps, only home's ballots are sure of their weight."""
    found: dict[str, Block] = {}
    parts: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
    for cast in originals(cast for cast in casts if cast.key):
        assert cast.key
        block = found.setdefault(cast.key.value, Block(cast.key.value))
        block.aliases |= {cast.key.alias} if cast.key.alias else set()
        parts[cast.key.value].append((cast.weight, caps is None or cast.ballot.machine == HOME))
    for value, block in found.items():
        block.floor = math.fsum(weight for weight, sure in parts[value] if sure)
        block.ceiling = math.fsum(weight for weight, _ in parts[value])
    return found


def decided(casts: Sequence[Cast], out: float, caps: Caps | None) -> Block | None:
    """The block whose group wins for certain, whatever ballots of the weight `out` are still
    cast, an answer that nobody has given yet included; None while it can change. Exact.

    The answers beat refusals, then one of words and calls the other, then one group the others.
    """
    found = blocks(casts, caps)
    refusal = found.pop(REFUSAL, Block(REFUSAL))
    answers = list(found.values())
    if _sum([refusal.floor, *(-b.ceiling for b in answers), -out]) > 0:
        return refusal
    if not answers or _sum([refusal.ceiling, out, *(-b.floor for b in answers)]) > 0:
        return None
    calls = [block for block in answers if block.value.startswith(CALL)]
    words = [block for block in answers if not block.value.startswith(CALL)]
    first, other = sorted((words, calls), key=lambda s: _sum(b.floor for b in s), reverse=True)
    if _sum([*(b.floor for b in first), *(-b.ceiling for b in other), -out]) <= 0:
        return None
    leader = max(first, key=lambda block: block.floor)
    rivals = [block for block in first if block is not leader]
    best = max((_most(block, rivals) for block in rivals), default=0.0)
    return leader if _sum([leader.floor, -best, -out]) > 0 else None


def majority(casts: Sequence[Cast], out: float, caps: Caps | None) -> Block | None:
    """The block that has more than half of everything for certain, or None."""
    found = blocks(casts, caps).values()
    total = _sum(block.ceiling for block in found) + out
    return next((block for block in found if _sum([2 * block.floor, -total]) > 0), None)


def _most(block: Block, rivals: Iterable[Block]) -> float:
    """The most that a group around `block` may weigh: all that may be read as the same joins."""
    joined = [
        other.ceiling
        for other in rivals
        if other is block or other.value in block.aliases or block.value in other.aliases
    ]
    return _sum(joined)


def unlikely(votes: Sequence[int], out: int) -> float:
    """An upper bound for the chance that `out` further ballots dethrone the first group.

    `votes` are the groups' counts. The further ballots are drawn from a Dirichlet-multinomial
    with 1/2 added to every count and to one answer not seen yet (Jeffreys' prior); the chances of
    all challengers are added up. O(groups * out^2).
    """
    counts = sorted(votes, reverse=True)
    if not counts:
        return 1.0
    total = sum(counts) + 0.5 * (len(counts) + 1)
    first, challengers = counts[0], [*counts[1:], 0]
    return min(1.0, math.fsum(_overtakes(first, rival, total, out) for rival in challengers))


def _overtakes(first: int, rival: int, total: float, out: int) -> float:
    """The chance that a rival draws level with the first or passes it (Polya's urn)."""
    a, b = first + 0.5, rival + 0.5
    rest = total - a - b
    chances = []
    for ours in range(out + 1):
        for theirs in range(out - ours + 1):
            if rival + theirs >= first + ours:
                others = out - ours - theirs
                ways = math.lgamma(out + 1) - _lgammas(ours + 1, theirs + 1, others + 1)
                drawn = _rising(a, ours) + _rising(b, theirs) + _rising(rest, others)
                chances.append(math.exp(ways + drawn - _rising(total, out)))
    return math.fsum(chances)


def _lgammas(*values: float) -> float:
    return math.fsum(math.lgamma(value) for value in values)


def _rising(start: float, times: int) -> float:
    """The logarithm of start * (start + 1) * ... (`times` factors)."""
    if times == 0:
        return 0.0
    return math.lgamma(start + times) - math.lgamma(start) if start > 0 else -math.inf


def _sum(values: Iterable[float]) -> float:
    """Rounded: 1.2 - 0.8 is more than 0.4, else, and a tie would pass for a lead."""
    return round(math.fsum(values), 9)
