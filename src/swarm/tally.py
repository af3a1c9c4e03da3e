"""Counts ballots into groups of equal answers, in the order of the tie chain. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..ballot import Ballot
from .canonical import CALL, REFUSAL, Key
from .weights import HOME, Caps, scales


@dataclass(frozen=True, slots=True)
class Cast:
    """A ballot as it is counted: its key (None abstains), its weight before any cap, where
    the strategy compares meanings the embedding of its text, and where code is run how far it
    agrees with all others (`score`, 0 to 1)."""

    ballot: Ballot
    key: Key | None
    weight: float = 1.0
    vector: tuple[float, ...] | None = None
    score: float = 0.0


@dataclass(slots=True)
class Heap:
    """The ballots that share a key.

    `counting` are those that count (copies do not), `weight` is their sum after caps. `voices` are
    those whose text may stand for the group: with caps the ones from home, where there are any, so
    that a peer that agrees cannot put words of its own beside the answer. `medoid` is the ballot
    that stands for the group where a strategy has chosen one.
    """

    key: str
    casts: list[Cast] = field(default_factory=list)
    counting: list[Cast] = field(default_factory=list)
    weight: float = 0.0
    medoid: Ballot | None = None
    voices: list[Cast] = field(default_factory=list)

    @property
    def ballots(self) -> list[Ballot]:
        return [cast.ballot for cast in self.casts]

    @property
    def is_call(self) -> bool:
        """Whether this group proposes tool calls."""
        return self.key.startswith(CALL)

    @property
    def is_refusal(self) -> bool:
        return self.key == REFUSAL


def group(
    casts: Sequence[Cast], values: Sequence[str | None], caps: Caps | None, request_id: str
) -> list[Heap]:
    """Groups of the valid ballots by `values`, the winner's first; refusals are last unless
    they are more than half.

    Tie chain: weight, distinct machines, distinct models, summed confidence, then a hash of
    request and key. Neither the order of arrival nor any length takes part.
    Identical bytes from the same model and the same seed weigh once.
    """
    valid = [(cast, value) for cast, value in zip(casts, values, strict=True) if value is not None]
    unique = originals(cast for cast, _ in valid)
    scale = scales(((cast.ballot.machine, cast.weight) for cast in unique), caps)
    counted = {id(cast) for cast in unique}
    heaps: dict[str, Heap] = {}
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for cast, value in valid:
        heap = heaps.setdefault(value, Heap(value))
        heap.casts.append(cast)
        if id(cast) in counted:
            heap.counting.append(cast)
            parts[value].append(cast.weight * scale[cast.ballot.machine])
    for value, heap in heaps.items():
        heap.weight = round(math.fsum(parts[value]), 9)
        own = [cast for cast in heap.casts if caps and caps.own(cast.ballot.machine)]
        heap.voices = own or heap.casts
    scores = standardised(unique)
    ranks = {heap.key: rank(heap, scores, request_id) for heap in heaps.values()}
    ordered = sorted(heaps.values(), key=lambda heap: ranks[heap.key], reverse=True)
    return _home_first(_in_order(ordered), caps)


def _in_order(ordered: Sequence[Heap]) -> list[Heap]:
    """Refusals first or last, then words and calls, the heavier side first."""
    total = math.fsum(heap.weight for heap in ordered)
    refusals = [heap for heap in ordered if heap.is_refusal]
    answers = [
        heap for side in by_nature([h for h in ordered if not h.is_refusal]) for heap in side
    ]
    if refusals and more_than_half(refusals[0].weight, total):
        return refusals + answers
    return answers + refusals


def more_than_half(weight: float, total: float) -> bool:
    """Whether `weight` is more than half of `total`; what float sums are off by does not count."""
    return round(2 * weight - total, 9) > 0


def by_nature(heaps: Sequence[Heap]) -> list[list[Heap]]:
    """`heaps` split into words and tool calls, the heavier side first, each in its order."""
    sides = [[h for h in heaps if not h.is_call], [h for h in heaps if h.is_call]]
    first = heaps[0].is_call if heaps else False
    filled = [side for side in sides if side]
    # Of two equal sides the one with the better group is first.
    filled.sort(
        key=lambda side: (round(math.fsum(h.weight for h in side), 9), side[0].is_call == first)
    )
    return filled[::-1]


def _home_first(heaps: list[Heap], caps: Caps | None) -> list[Heap]:
    """One peer alone does not overrule a home that agrees with itself."""
    if caps is None or not caps.two_peers or not heaps:
        return heaps
    peers = {b.machine for b in heaps[0].ballots if not caps.own(b.machine)}
    at_home = {heap.key: math.fsum(_home_weights(heap, caps)) for heap in heaps}
    total = math.fsum(at_home.values())
    choice = next((heap for heap in heaps if more_than_half(at_home[heap.key], total)), None)
    if choice is None or choice is heaps[0] or len(peers) > 1:
        return heaps
    return [choice, *(heap for heap in heaps if heap is not choice)]


def _home_weights(heap: Heap, caps: Caps) -> list[float]:
    return [cast.weight for cast in heap.counting if caps.own(cast.ballot.machine)]


def standardised(casts: Sequence[Cast]) -> dict[int, float]:
    """Confidences by id of the cast, as z-scores inside each model: models are not comparable."""
    by_model: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for cast in casts:
        if cast.ballot.confidence is not None:
            by_model[cast.ballot.model].append((id(cast), cast.ballot.confidence))
    scores: dict[int, float] = {}
    for known in by_model.values():
        mean = math.fsum(value for _, value in known) / len(known)
        spread = math.sqrt(math.fsum((value - mean) ** 2 for _, value in known) / len(known))
        for at, value in known:
            scores[at] = (value - mean) / spread if spread > 1e-9 else 0.0
    return scores


def rank(
    heap: Heap, scores: dict[int, float], request_id: str
) -> tuple[float, float, int, int, float, float, str]:
    """What decides between groups, the strongest first."""
    machines = {cast.ballot.machine for cast in heap.counting}
    models = {cast.ballot.model for cast in heap.counting}
    known = [scores[id(cast)] for cast in heap.counting if id(cast) in scores]
    total, best = round(math.fsum(known), 9), round(max(known, default=0.0), 9)
    score = round(max((cast.score for cast in heap.counting), default=0.0), 9)
    key = digest(request_id, heap.key)
    return heap.weight, score, len(machines), len(models), total, best, key


def originals(casts: Iterable[Cast]) -> list[Cast]:
    """`casts` without copies (same model, seed and bytes); the one from home stays, else the
    first by the name of its machine; of those of one machine the most confident."""
    kept: list[Cast] = []
    seen: set[tuple[object, ...]] = set()

    def place(cast: Cast) -> tuple[bool, str, bool, float]:
        ballot = cast.ballot
        unknown, sure = ballot.confidence is None, ballot.confidence or 0.0
        return ballot.machine != HOME, ballot.machine, unknown, -sure

    for cast in sorted(casts, key=place):
        ballot = cast.ballot
        if ballot.seed is not None:
            copy = (ballot.model, ballot.seed, ballot.answer.text, calls(ballot))
            if copy in seen:
                continue
            seen.add(copy)
        kept.append(cast)
    return kept


def spokesman(heap: Heap, request_id: str) -> Ballot:
    """The ballot whose text stands for the group: its medoid, else the most confident one."""
    if heap.medoid is not None:
        return heap.medoid
    able = [cast.ballot for cast in heap.voices or heap.casts]
    return max(able, key=lambda b: (b.confidence or 0.0, *tiebreak(b, request_id)))


def confidence(heap: Heap) -> float | None:
    """Mean confidence of the group's ballots that have one."""
    known = [ballot.confidence for ballot in heap.ballots if ballot.confidence is not None]
    return math.fsum(known) / len(known) if known else None


def tiebreak(ballot: Ballot, request_id: str) -> tuple[str, str]:
    """Orders ballots by what they say, and those that say the same by who casts them."""
    who = (ballot.model, ballot.machine, ballot.voter)
    return digest(request_id, ballot.answer.text, str(calls(ballot))), digest(request_id, *who)


def calls(ballot: Ballot) -> tuple[tuple[str, str], ...]:
    """The ballot's tool calls as name and arguments, without their ids."""
    return tuple((call.name, call.arguments) for call in ballot.answer.tool_calls)


def digest(*parts: str) -> str:
    """A hash that orders equals without favouring any."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
