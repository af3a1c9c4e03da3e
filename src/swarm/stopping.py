"""When the rest of the ballots cannot change the winner any more. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .canonical import CALL, REFUSAL
from .outlook import Block, Outlook
from .tally import Cast
from .weights import Caps, Out


def decided(casts: Sequence[Cast], out: Out, caps: Caps | None) -> Block | None:
    """The block whose group wins for certain, whatever ballots of the weight `out` are still
    cast, an answer that nobody has given yet included; None while it can change. Exact without
    caps; with caps never too early.

    The answers beat refusals, then one of words and calls the other, then one group the others.
    """
    seen = Outlook(casts, out, caps)
    blocks = dict(seen.blocks)
    refusal = blocks.pop(REFUSAL, Block(REFUSAL))
    answers = list(blocks.values())
    if seen.margin([refusal], answers) > 0:
        return refusal if seen.home_agrees(refusal) else None
    if not answers or seen.margin(answers, [refusal]) < 0:
        return None
    calls = [block for block in answers if block.value.startswith(CALL)]
    words = [block for block in answers if not block.value.startswith(CALL)]
    first, other = sorted((words, calls), key=lambda side: seen.margin(side, []), reverse=True)
    if seen.margin(first, other) <= 0:
        return None
    leader = max(first, key=lambda block: seen.margin([block], []))
    rivals = [block for block in first if block is not leader]
    if seen.margin([leader], []) <= 0:
        return None
    if any(seen.margin([leader], [r for r in rivals if r.joins(b)]) <= 0 for b in rivals):
        return None
    return leader if seen.home_agrees(leader) else None


def majority(casts: Sequence[Cast], out: Out, caps: Caps | None) -> Block | None:
    """The block that has more than half of everything for certain, or None."""
    seen = Outlook(casts, out, caps)
    for block in seen.blocks.values():
        others = [other for other in seen.blocks.values() if other is not block]
        if seen.margin([block], others) > 0:
            return block if seen.home_agrees(block) else None
    return None


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
