"""Measures votes on a user's own model: candidates, kept or asked for, then the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..chat import Responder, SwarmOptions
from .collect import OnProgress, ask, collect
from .intervals import bootstrap
from .question import Question
from .report import by_family, figures, loses, mean, points
from .scoring import scored
from .store import Candidates, Store

SAMPLES = 20
_TIMED = 5  # questions by which the cost of a real vote is measured


@dataclass(frozen=True, slots=True)
class Measurement:
    """Who answers, and where the answers are kept: `name` tells the model from others."""

    responder: Responder
    model: str
    name: str
    folder: Path

    @property
    def store(self) -> Store:
        """The answers kept so far."""
        return Store(self.folder / f"{self.name}.jsonl", self.model)

    async def once(self, questions: Sequence[Question], on_progress: OnProgress) -> dict[str, Any]:
        """One greedy answer a question: right in per cent, tokens and seconds of one."""
        store = self.store
        await collect(
            self.responder, questions, store, samples=0, sampling={}, on_progress=on_progress
        )
        found = [(q, store.get(q.hash(samples=0))) for q in questions]
        graded = [scored(q, one) for q, one in found if one]
        ballots = [one.greedy.ballot for one in graded if one.greedy]
        return {
            "model": self.model,
            "right": points(bootstrap([float(one.greedy_right) for one in graded])),
            "tokens": round(mean([ballot.tokens for ballot in ballots]), 1),
            "seconds": round(mean([ballot.seconds for ballot in ballots]), 3),
        }


async def measure(
    of: Measurement,
    questions: Sequence[Question],
    sizes: Sequence[int],
    sampling: dict[str, Any],
    on_progress: OnProgress,
) -> dict[str, Any]:
    """All figures as JSON values. What was asked before is not asked again. Raises SwarmError."""
    store = of.store
    await collect(
        of.responder, questions, store, samples=SAMPLES, sampling=sampling, on_progress=on_progress
    )
    found = [(q, store.get(q.hash(samples=SAMPLES, **sampling))) for q in questions]
    graded = [scored(question, one) for question, one in found if one]
    sizes = sorted(set(sizes))
    families = {name: figures(some, sizes) for name, some in by_family(graded).items()}
    greedy = [one.greedy.ballot for one in graded if one.greedy]
    cost = {
        "greedy": {
            "tokens": round(mean([ballot.tokens for ballot in greedy]), 1),
            "seconds": round(mean([ballot.seconds for ballot in greedy]), 3),
        }
    }
    step = max(1, len(questions) // _TIMED)
    for size in sizes:
        cost[str(size)] = await _cost(of, questions[::step][:_TIMED], size, sampling, store)
    return {
        "model": of.model,
        "samples": SAMPLES,
        "sampling": sampling,
        "families": families,
        "all": figures(graded, sizes),
        "cost": cost,
        "loses": loses(families),
    }


async def _cost(
    of: Measurement,
    questions: Sequence[Question],
    size: int,
    sampling: dict[str, Any],
    store: Store,
) -> dict[str, float]:
    """Tokens and seconds of real votes that stop early, on some of the questions."""
    options = SwarmOptions(seats=size, include_ballots=True, escalate=False)
    tokens, seconds = [], []
    for question in questions:
        name = question.hash(vote=size, **sampling)
        kept = store.get(name)
        if kept is None:
            verdict = (await ask(of.responder, question.request(options, **sampling))).verdict
            kept = Candidates(verdict.ballots, None, verdict.seconds, verdict.total_tokens)
            store.put(name, kept)
        tokens.append(kept.tokens)
        seconds.append(kept.seconds)
    return {"tokens": round(mean(tokens), 1), "seconds": round(mean(seconds), 3)}
