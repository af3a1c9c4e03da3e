"""Canonical plurality: the answer that most workers gave. Good for anything with one right
answer; of little use where every good answer is worded in its own way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..canonical import Kind, join
from ..outlook import Block, Outlook
from ..stopping import decided, unlikely
from ..stopping import majority as more_than_half
from ..tally import Cast, Heap, group
from ..tally import more_than_half as _more
from ..weights import Out, awaited
from .base import Poll


def heaps(casts: Sequence[Cast], poll: Poll) -> list[Heap]:
    """Groups of equal canonical answers."""
    return group(casts, join([cast.key for cast in casts]), poll.caps, poll.request_id)


def settled(casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
    """As soon as the winner cannot change; with an epsilon, as soon as that is unlikely."""
    winner = decided(casts, out, poll.caps)
    if winner is None:
        return _unlikely(casts, out, poll)
    if poll.asked.kind is Kind.JSON:  # short of a majority the fields of all are put together
        return more_than_half(casts, out, poll.caps) is not None
    return enough(winner, casts, out, poll)


def enough(winner: Block, casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
    """Whether a winner that is certain needs no more ballots: a call that changes something needs
    more than half of all workers, those without a valid answer included, or no hope of it."""
    if not changes([c for c in casts if c.key and c.key.value == winner.value], poll):
        return True
    silent: defaultdict[str, float] = defaultdict(float)
    for cast in casts:
        if cast.key is None:
            silent[cast.ballot.machine] += cast.weight
    seen = Outlook(casts, out, poll.caps)
    least, everyone = seen.least(winner), seen.most(silent)
    hopeless = poll.caps is None and not _more(least + awaited(out), everyone)
    return _more(least, everyone) or hopeless


def changes(casts: Sequence[Cast], poll: Poll) -> bool:
    """Whether ballots of one group call a tool that changes something."""
    return any(
        call.name in poll.asked.side_effects
        for cast in casts
        for call in cast.ballot.answer.tool_calls
    )


def _unlikely(casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
    """The epsilon rule: for ballots of equal weight, and only after half of them."""
    more = awaited(out)
    equal = {cast.weight for cast in casts} == {1.0} and more == int(more) and poll.caps is None
    if not poll.epsilon or not equal or len(casts) < more or poll.asked.side_effects:
        return False
    votes = [len(heap.counting) for heap in heaps(casts, poll)]
    return bool(votes) and unlikely(votes, int(more)) <= poll.epsilon
