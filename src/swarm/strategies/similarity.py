"""Groups of answers that mean the same; the winner is the most typical text of the largest
group. Good for free text; where an answer is one value, `majority` compares it exactly."""

from __future__ import annotations

from collections.abc import Sequence

from ..clusters import cluster, medoid
from ..stopping import majority as more_than_half
from ..tally import Cast, Heap, group, standardised, tiebreak
from ..weights import Out
from .base import Poll
from .majority import enough


def heaps(casts: Sequence[Cast], poll: Poll) -> list[Heap]:
    """Texts of one meaning together; values, calls and refusals by their keys."""
    values: list[str | None] = [cast.key.value if cast.key else None for cast in casts]
    texts = [at for at, cast in enumerate(casts) if _is_text(cast)]
    labels = cluster(
        [casts[at].ballot.answer.text for at in texts],
        [casts[at].vector for at in texts],
        [str(values[at]) for at in texts],
        poll.threshold,
    )
    members: dict[int, list[int]] = {}
    for at, label in zip(texts, labels, strict=True):
        members.setdefault(label, []).append(at)
    for same in members.values():
        name = min(str(values[at]) for at in same)
        for at in same:
            values[at] = name
    found = group(casts, values, poll.caps, poll.request_id)
    scores = standardised([cast for cast in casts if cast.key])
    for heap in found:
        if len(heap.casts) > 1 and _is_text(heap.casts[0]):
            ranked = sorted(
                heap.voices,
                key=lambda c: (
                    -scores.get(id(c), 0.0),
                    tiebreak(c.ballot, poll.request_id),
                ),
            )
            best = medoid([c.ballot.answer.text for c in ranked], [c.vector for c in ranked])
            heap.medoid = ranked[best].ballot
    return found


def settled(casts: Sequence[Cast], out: Out, poll: Poll) -> bool:
    """When answers with one key, which never part, are more than half of all. Texts that come
    later may still join two groups, so nothing less is certain."""
    winner = more_than_half(casts, out, poll.caps)
    return winner is not None and enough(winner, casts, out, poll)


def _is_text(cast: Cast) -> bool:
    """Whether the words are what is compared: a value, a call or a refusal has a key of its own."""
    return cast.key is not None and cast.key.value.startswith("text:")
