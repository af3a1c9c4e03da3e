"""How often a vote over stored ballots is right: the same `decide` that a node uses, over random
subsets of the ballots. Pure; seeded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from ..ballot import Ballot, Meter, Status
from ..swarm.canonical import Asked, Key, key_of
from ..swarm.decision import Rule, decide
from ..swarm.embedding import Lexical
from ..swarm.strategies import named
from ..swarm.tally import Cast
from .question import Question, is_right
from .store import Candidates

SUBSETS = 200
DEAR = 12  # subsets at most where meanings are compared, which takes up to 50 ms a vote
_EMBEDDER = Lexical()  # the one that every node has


@dataclass(frozen=True, slots=True)
class Scored:
    """The candidates of one question, each with its key and whether it is right."""

    id: str
    family: str
    asked: Asked
    casts: tuple[Cast, ...]
    right: tuple[bool, ...]
    greedy: Cast | None = None
    greedy_right: bool = False
    grade: Callable[[Ballot], bool] = field(default=lambda ballot: False)

    def sure(self) -> bool | None:
        """Whether all samples say the same, and then whether that is right; None where not."""
        keys = {cast.key for cast in self.casts}
        return self.right[0] if len(keys) == 1 and keys != {None} else None


def scored(question: Question, found: Candidates) -> Scored:
    """Grades the candidates of a question."""
    asked = question.asked
    casts = tuple(Cast(ballot, key_of(asked, ballot)) for ballot in found.samples)

    def grade(ballot: Ballot) -> bool:
        return is_right(asked, question.gold, ballot)

    greedy = found.greedy
    return Scored(
        id=question.id,
        family=question.family,
        asked=asked,
        casts=casts,
        right=tuple(graded(casts, grade)),
        greedy=Cast(greedy, key_of(asked, greedy)) if greedy else None,
        greedy_right=bool(greedy and grade(greedy)),
        grade=grade,
    )


def graded(casts: Sequence[Cast], grade: Callable[[Ballot], bool]) -> list[bool]:
    """Whether each is right; equal keys are graded once."""
    known: dict[Key | None, bool] = {None: False}
    for cast in casts:
        if cast.key not in known:
            known[cast.key] = grade(cast.ballot)
    return [known[cast.key] for cast in casts]


def accuracy(
    of: Scored,
    strategy: str,
    size: int,
    *,
    subsets: int = SUBSETS,
    greedy_seat: bool = False,
    by_confidence: bool = False,
) -> float:
    """The chance (0 to 1) that a vote of `size` of the ballots is right.

    Exact for one ballot and for all of them, else the mean over `subsets` random subsets (at most
    DEAR where meanings are compared). With `greedy_seat` one of the ballots is the greedy answer;
    with `by_confidence` ballots weigh by how sure they are.
    """
    drawn = size - 1 if greedy_seat and of.greedy else size
    if drawn == 0:
        return float(of.greedy_right)
    if size == 1:
        return math.fsum(of.right) / len(of.right)
    sure, against = of.sure(), of.greedy.weight if drawn < size and of.greedy else 0.0
    if sure is not None and drawn * min(cast.weight for cast in of.casts) > against:
        return float(sure)
    random, known = Random(f"{of.id} {strategy} {size}"), dict[object, bool]()
    rule, right = replace(rule_of(of.asked, strategy), by_confidence=by_confidence), 0
    every = embedded([*of.casts, *([of.greedy] if of.greedy else [])], rule)
    every, greedy = every[: len(of.casts)], every[len(of.casts) :]
    subsets = min(subsets, DEAR) if rule.name == "similarity" else subsets
    rounds = subsets if drawn < len(every) else 1
    for draw in range(rounds):
        places = random.sample(range(len(every)), drawn) if rounds > 1 else range(drawn)
        casts = [every[at] for at in places]
        flags = [of.right[at] for at in places]
        if drawn < size:
            casts += greedy
            flags.append(of.greedy_right)
        right += won(of, casts, flags, rule, f"{of.id} {draw}", known)
    return right / rounds


def won(
    of: Scored,
    casts: Sequence[Cast],
    flags: Sequence[bool],
    rule: Rule,
    request_id: str,
    known: dict[object, bool],
) -> bool:
    """Whether the winner over `casts` is right; `flags` says which of them are.

    A majority depends on keys and weights alone (of meanings: on texts too), so it is counted
    once, in `known`, for each choice of them.
    """
    same = _same(casts, rule)
    if same in known:
        return known[same]
    verdict = decide(casts, rule, request_id, asked=len(casts), meter=Meter())
    winner = verdict.winner
    at = next((n for n, cast in enumerate(casts) if cast.ballot is winner), None)
    right = flags[at] if at is not None else winner is not None and of.grade(winner)
    if same and verdict.status is Status.MAJORITY:
        known[same] = right
    return right


def _same(casts: Sequence[Cast], rule: Rule) -> tuple[object, ...]:
    """What the majority depends on; empty where it is more than that."""
    if rule.by_confidence or rule.name not in ("majority", "similarity"):
        return ()
    texts = rule.name == "similarity"
    return tuple(
        sorted((str(c.key), c.ballot.answer.text if texts else "", c.weight) for c in casts)
    )


def rule_of(asked: Asked, strategy: str) -> Rule:
    """The rule of a vote on a question, as a node without an embedding model holds it."""
    name, chosen = named(strategy, asked.kind)
    return Rule(name, chosen, asked, threshold=_EMBEDDER.threshold)


def embedded(casts: Sequence[Cast], rule: Rule) -> list[Cast]:
    """`casts` with the vectors of their texts, where the strategy compares meanings. Only vectors
    of one call can be compared with each other."""
    if rule.name != "similarity":
        return list(casts)
    texts = sorted(
        {c.ballot.answer.text for c in casts if c.key and not c.ballot.answer.tool_calls}
    )
    vectors = dict(zip(texts, _narrow(_EMBEDDER.embed(texts)), strict=True))
    return [
        replace(cast, vector=vectors.get(cast.ballot.answer.text)) if cast.key else cast
        for cast in casts
    ]


def _narrow(vectors: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
    """Vectors with the same scalar products in as few dimensions as there are vectors: the rows of
    the Cholesky factor of their Gram matrix. Comparing them takes a fraction of the time."""
    rows: list[list[float]] = []
    for vector in vectors:
        row: list[float] = []
        for before, other in enumerate(rows):
            known = math.fsum(a * b for a, b in zip(row, other, strict=False))
            product = math.fsum(a * b for a, b in zip(vector, vectors[before], strict=True))
            row.append((product - known) / other[before] if other[before] else 0.0)
        rest = math.fsum(v * v for v in vector) - math.fsum(v * v for v in row)
        rows.append([*row, math.sqrt(rest) if rest > 1e-9 else 0.0])
    return [tuple(row + [0.0] * (len(rows) - len(row))) for row in rows]
