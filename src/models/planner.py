"""Chooses model, quantization, seats and context for a budget. Pure: no I/O, no clock.

All plans that the catalogue allows are made, those over the budget are dropped, and the one with
the best score (objective.py) is taken. A larger budget only adds plans, so it is never worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..hardware.profile import Budget, HardwareProfile
from . import reasons
from .candidates import MAX_SEATS, MIN_SPEED, Wishes, candidates
from .catalog import DEMO, ModelSpec
from .plan import Candidate, Plan, RunnerUp

__all__ = ["MAX_SEATS", "MIN_SPEED", "Plan", "Wishes", "plan"]
_SHOWN = 3


def plan(
    profile: HardwareProfile,
    budget: Budget,
    specs: list[ModelSpec],
    wishes: Wishes | None = None,
    /,
    *,
    seats: int | None = None,
    context: int | None = None,
) -> Plan:
    """The best plan that `budget` carries, as the user wishes; `seats` and `context` are the
    wishes that most have.

    With one spec that spec is planned, even where it does not fit: the reasons then say so.
    Raises UsageError for a wish that no machine can fulfil.
    """
    wishes = wishes or Wishes(seats, context)
    wishes.check()
    allowed = [spec for spec in specs if len(specs) == 1 or _may_choose(spec, wishes.isolated)]
    made = list(candidates(profile, budget, allowed, wishes))
    fitting = [candidate for candidate in made if candidate.fits]
    if not fitting and len(specs) > 1:
        last = [spec for spec in specs if spec.id == DEMO] or specs[:1]
        made += (demo := list(candidates(profile, budget, last, wishes)))
        fitting = [candidate for candidate in demo if candidate.fits] or demo
    if not fitting or not any(candidate.fits for candidate in fitting):
        best = min(fitting or made, key=lambda candidate: candidate.need.total)
    elif wishes.isolated:
        best = max(fitting, key=_isolated_rank)
    else:
        best = max(fitting, key=lambda candidate: candidate.rank(wishes.floor))
    return _made(profile, budget, best, made, wishes, chosen=len(specs) > 1)


def _may_choose(spec: ModelSpec, isolated: bool) -> bool:
    if isolated:
        return spec.isolated is not None
    return spec.id != DEMO and spec.automatic and spec.quality is not None


def _isolated_rank(candidate: Candidate) -> tuple[bool, int, int, int]:
    """The rule of `--isolated`: the largest model of which two copies fit, as many as fit."""
    several = candidate.seats > 1
    return several, candidate.spec.parameters, candidate.seats, candidate.score.total


def _made(
    profile: HardwareProfile,
    budget: Budget,
    best: Candidate,
    all: list[Candidate],
    wishes: Wishes,
    *,
    chosen: bool,
) -> Plan:
    if budget.vram and best.gpu_layers == best.spec.layers:  # RAM is not spent
        reason = budget.vram_reason or budget.reason
        budget = replace(budget, bytes=budget.vram, device="gpu", reason=reason)
    threads = min(profile.cores, profile.performance_cores or profile.cores)
    if wishes.isolated:  # processes that write at the same time share the cores
        threads = max(1, threads // best.seats)
    made = Plan(
        spec=best.spec,
        quant=best.quant,
        seats=best.seats,
        slots=best.slots,
        context=best.context,
        cells=best.cells,
        threads=threads,
        bytes=best.need.total,
        budget=budget,
        why=(),
        need=best.need,
        score=best.score,
        tokens_per_second=round(best.tokens_per_second, 1),
        gpu_layers=best.gpu_layers,
        kv=wishes.kv,
        isolated=wishes.isolated,
    )
    why = reasons.why(made, wishes.context, wishes.floor, chosen=chosen)
    shown = _runners_up(best, all, wishes.floor)
    runners_up = tuple(_runner_up(candidate, best, budget, wishes) for candidate in shown)
    return replace(made, why=why, runners_up=runners_up)


def _runners_up(best: Candidate, all: list[Candidate], floor: float | None) -> list[Candidate]:
    """What the user may ask about: the nearest model that would be better but needs more memory,
    the fastest that would be better but is too slow, and the best of the others that fit. Where
    these are less than three, other plans of the same model."""

    def ranked(some: Iterable[Candidate]) -> list[Candidate]:
        return sorted(some, key=lambda candidate: candidate.rank(floor), reverse=True)

    def best_of_each(some: Iterable[Candidate]) -> dict[str, Candidate]:
        found: dict[str, Candidate] = {}
        for candidate in ranked(some):
            if candidate.spec.id != best.spec.id:
                found.setdefault(candidate.spec.id, candidate)
        return found

    def fast(candidate: Candidate) -> bool:
        return candidate.rank(floor)[0]

    better = [c for c in all if c.score.total > best.score.total or best.spec.id == DEMO]
    fitting = best_of_each(c for c in all if c.fits and fast(c))
    large = best_of_each(c for c in better if not c.fits and fast(c) and c.spec.id not in fitting)
    slow = best_of_each(c for c in better if c.fits and not fast(c) and c.spec.id not in fitting)
    goals = sorted(large.values(), key=lambda candidate: candidate.need.total)[:1]
    goals += sorted(slow.values(), key=lambda candidate: -candidate.tokens_per_second)[:1]
    others = [*fitting.values()][: _SHOWN - len(goals)]
    same = ranked(c for c in all if c.spec.id == best.spec.id and c is not best)
    rest = [c for c in best_of_each(all).values() if c not in others and c not in goals]
    return [*others, *goals, *same, *rest][:_SHOWN]


def _runner_up(candidate: Candidate, best: Candidate, budget: Budget, wishes: Wishes) -> RunnerUp:
    return RunnerUp(
        candidate.spec,
        candidate.quant,
        candidate.seats,
        candidate.context,
        candidate.need.total,
        round(candidate.tokens_per_second, 1),
        candidate.score,
        reasons.lost(candidate, best, budget, wishes.floor),
    )
