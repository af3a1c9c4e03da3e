"""The verdict over the ballots of one election. Pure, and independent of their order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..ballot import Absent, Answer, Ballot, Finish, Group, Meter, Round, Status, Verdict
from .canonical import Asked, Kind, json_value
from .confidence import by_confidence
from .strategies import Poll, Strategy
from .strategies.majority import changes
from .tally import Cast, Heap, confidence, more_than_half, originals, spokesman
from .weights import HOME, Caps, Out, awaited, scales


@dataclass(frozen=True, slots=True)
class Rule:
    """How an election is decided.

    `weights` holds what a ballot of a model weighs (1 where nothing was measured), `threshold`
    belongs to the embeddings in use. With `by_confidence` a ballot also weighs by how sure its
    worker was; such a vote must not stop early, because every ballot changes the others' weight.
    """

    name: str
    strategy: Strategy
    asked: Asked
    early_stop: bool = True
    epsilon: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)
    caps: Caps | None = None
    threshold: float = 1.0
    by_confidence: bool = False

    def poll(self, request_id: str) -> Poll:
        """The part of the rule that strategies see."""
        return Poll(request_id, self.asked, self.caps, self.threshold, self.epsilon)

    @property
    def one_answer(self) -> bool:
        """Whether the workers should agree, so that too little agreement is a reason to ask on:
        free text may well be worded in as many ways as there are workers."""
        return self.asked.kind is not Kind.TEXT and self.name in ("majority", "similarity")

    def weight(self, model: str | None) -> float:
        """What a ballot of `model` weighs; the most of all models where it is not known."""
        if model is None:
            return max(self.weights.values(), default=1.0)
        return self.weights.get(model, 1.0)


def decide(
    casts: Sequence[Cast],
    rule: Rule,
    request_id: str,
    *,
    asked: int,
    meter: Meter,
    out: Out = 0.0,
    seconds: float = 0.0,
    absent: Sequence[Absent] = (),
    rounds: Sequence[Round] = (),
) -> Verdict:
    """The verdict over `casts`. `out` is the weight of the workers that were asked and have not
    cast a ballot: a call that changes something needs more than half of all workers."""
    poll = rule.poll(request_id)
    casts = by_confidence(casts) if rule.by_confidence else casts
    heaps = rule.strategy.heaps(casts, poll)
    valid = math.fsum(heap.weight for heap in heaps)
    if heaps and not heaps[0].is_refusal:  # refusals that are no majority abstain
        valid -= math.fsum(heap.weight for heap in heaps if heap.is_refusal)
    top = heaps[0] if heaps else None
    status = _status(heaps, valid)
    everyone = math.fsum(heap.weight for heap in heaps) + _silent(casts, rule.caps)
    everyone += awaited(out, rule.caps)
    if top and changes(top.casts, poll) and not more_than_half(top.weight, everyone):
        status = Status.ESCALATE
    ballots = [cast.ballot for cast in casts]
    winner = spokesman(top, request_id) if top else _shown(ballots, request_id)
    assembled = _assembled(casts, heaps, rule, status)
    granted = sum(meter.granted.values()) or asked
    key_of = {id(cast): heap.key for heap in heaps for cast in heap.casts}
    keys = {at: key_of[id(cast)] for at, cast in enumerate(casts) if id(cast) in key_of}
    return Verdict(
        winner=assembled or winner,
        status=status,
        strategy=rule.name,
        share=round(top.weight / valid, 4) if top and valid else 0.0,
        confidence=confidence(top) if top else None,
        asked=asked,
        cast=len(casts),
        cancelled=max(0, granted - len(casts)),
        abstained=len(casts) - len(keys),
        machines=len({ballot.machine for ballot in ballots}),
        groups=tuple(_group(heap, request_id) for heap in heaps),
        ballots=tuple(ballots),
        keys=keys,
        prompt_tokens=meter.prompt_tokens,
        total_tokens=meter.total,
        seconds=seconds,
        degraded=meter.degraded,
        kind=rule.asked.kind.value,
        measured=len(set(rule.weights.values())) > 1,
        assembled=assembled is not None,
        saved_tokens=_saved(ballots, meter, granted),
        absent=tuple(absent),
        rounds=tuple(rounds),
    )


def unsure(verdict: Verdict, rule: Rule) -> bool:
    """Whether more voters should be asked: no majority for a question with one answer."""
    if verdict.status in (Status.ESCALATE, Status.NO_ANSWER):
        return any(ballot.finish is not Finish.LENGTH for ballot in verdict.ballots)
    return rule.one_answer and verdict.status is not Status.MAJORITY


def _silent(casts: Sequence[Cast], caps: Caps | None) -> float:
    """What the ballots without a valid answer would weigh; of one peer at most its cap."""
    silent: defaultdict[str, float] = defaultdict(float)
    for cast in casts:
        if cast.key is None:
            silent[cast.ballot.machine] += cast.weight
    return math.fsum(
        weight if caps is None else min(weight, caps.alone(machine))
        for machine, weight in silent.items()
    )


def _status(heaps: Sequence[Heap], valid: float) -> Status:
    if not heaps:
        return Status.NO_ANSWER
    first, rest = heaps[0].weight, [heap for heap in heaps[1:] if not heap.is_refusal]
    if more_than_half(first, valid):
        return Status.MAJORITY
    if all(len(heap.counting) <= 1 for heap in heaps) or any(heap.weight > first for heap in rest):
        return Status.NO_CONSENSUS  # also where the strategy passed over a heavier group
    return Status.TIE if any(heap.weight == first for heap in rest) else Status.PLURALITY


def _shown(ballots: Sequence[Ballot], request_id: str) -> Ballot | None:
    """Nothing valid: a truncated answer is still shown to who asked for it."""
    whole = [Cast(ballot, None) for ballot in ballots]
    return spokesman(Heap("", whole), request_id) if whole else None


def _assembled(
    casts: Sequence[Cast], heaps: Sequence[Heap], rule: Rule, status: Status
) -> Ballot | None:
    """JSON that no majority gave whole, put together field by field; None where that fails.

    Only where the votes are for words, and no heavier group was passed over.
    """
    if rule.asked.kind is not Kind.JSON or rule.name != "majority" or status is Status.MAJORITY:
        return None
    rivals = [heap for heap in heaps[1:] if not heap.is_refusal]
    if not heaps or heaps[0].is_call or any(heap.weight > heaps[0].weight for heap in rivals):
        return None
    unique = originals(cast for cast in casts if cast.key)
    scale = scales(((cast.ballot.machine, cast.weight) for cast in unique), rule.caps)
    voting = [cast for cast in unique if not cast.ballot.answer.tool_calls]
    text = json_value.assemble(
        [cast.ballot.answer.text for cast in voting],
        rule.asked.schema,
        [cast.weight * scale[cast.ballot.machine] for cast in voting],
    )
    if text is None:
        return None
    ballots = [cast.ballot for cast in voting]
    tokens = max(ballot.tokens for ballot in ballots)
    model = min(ballot.model for ballot in ballots)
    return Ballot(Answer(text), "swarm", HOME, model, Finish.STOP, tokens, 0.0)


def _group(heap: Heap, request_id: str) -> Group:
    text = spokesman(heap, request_id).answer.text
    machines = tuple(sorted({ballot.machine for ballot in heap.ballots}))
    return Group(heap.key, len(heap.casts), heap.weight, text, confidence(heap), machines)


def _saved(ballots: Sequence[Ballot], meter: Meter, granted: int) -> int:
    """About how many tokens were not generated: what a finished ballot has on average, for each
    cancelled seat, without those that it had written by then."""
    cancelled = granted - len(ballots)
    if cancelled <= 0 or not ballots:
        return 0
    finished = sum(ballot.tokens for ballot in ballots)
    begun = max(0, meter.total - finished)
    return max(0, round(cancelled * finished / len(ballots)) - begun)
