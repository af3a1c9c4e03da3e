"""Chooses model, quantization, seats and context for a budget. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UsageError
from ..hardware.budget import GIB
from ..hardware.profile import Budget, HardwareProfile
from .catalog import DEMO, ModelSpec, Quant
from .footprint import footprint, kv_cells, weight_bytes

MAX_SEATS = 64
_SEATS = (5, 3, 1)  # never 2: two votes decide nothing
_CONTEXTS = (8192, 4096, 2048)
_LEAST_CONTEXT = 128


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be run, and `why`, a line a reason.

    `slots` is how many sequences the engine holds (twice the seats, so that a second chat keeps
    its prefix), `cells` the tokens of its KV cache, `bytes` the memory that all of it needs.
    """

    spec: ModelSpec
    quant: Quant | None
    seats: int
    slots: int
    context: int
    cells: int
    threads: int
    bytes: int
    budget: Budget
    why: tuple[str, ...]


def plan(
    profile: HardwareProfile,
    budget: Budget,
    specs: list[ModelSpec],
    *,
    seats: int | None = None,
    context: int | None = None,
) -> Plan:
    """The best plan that `budget` carries; `seats` and `context` are the user's wishes.

    With one spec that spec is planned, even where it does not fit: the reasons then say so.
    Raises UsageError for a wish that no machine can fulfil.
    """
    _check(seats, context)
    chosen = [spec for spec in specs if len(specs) == 1 or spec.id != DEMO]
    for spec in sorted(chosen, key=lambda s: (s.parameters, s.file_bytes or 0), reverse=True):
        for quant in spec.quants or (None,):
            if len(specs) > 1 and weight_bytes(spec, quant) > profile.cores * GIB:
                continue  # it would fit, but each word would take seconds
            for size in _contexts(spec, context):
                for count in [seats] if seats else _SEATS:
                    made = _make(profile, budget, spec, quant, count, size, len(specs) > 1, context)
                    if made.bytes <= budget.bytes:
                        return made
    if len(specs) > 1:
        demo = [spec for spec in specs if spec.id == DEMO]
        return plan(profile, budget, demo or specs[:1], seats=seats, context=context)
    spec = specs[0]
    quant = spec.quants[-1] if spec.quants else None
    return _make(
        profile, budget, spec, quant, seats or 1, _contexts(spec, context)[-1], False, context
    )


def _check(seats: int | None, context: int | None) -> None:
    if seats is not None and not 1 <= seats <= MAX_SEATS:
        raise UsageError(
            f"{seats} seats are not possible.", hint=f"Choose 1 to {MAX_SEATS}; 5 is a good number."
        )
    if context is not None and context < _LEAST_CONTEXT:
        raise UsageError(f"A context of {context} tokens is too small.", hint="Try 4096.")


def _contexts(spec: ModelSpec, wish: int | None) -> list[int]:
    if wish is not None:
        return [min(wish, spec.context)]
    return sorted({min(size, spec.context) for size in _CONTEXTS}, reverse=True)


def _make(
    profile: HardwareProfile,
    budget: Budget,
    spec: ModelSpec,
    quant: Quant | None,
    seats: int,
    context: int,
    chose_model: bool,
    wish: int | None,
) -> Plan:
    slots = 2 * seats
    cells, roomy = kv_cells(context, seats), slots * context
    if footprint(spec, quant, roomy) <= budget.bytes // 2:
        cells = roomy  # memory is plenty: every slot may fill its whole context
    need = footprint(spec, quant, cells)
    label = f"{spec.name} {quant.name}" if quant else spec.name
    why = [f"budget {budget.bytes / GIB:.1f} GiB: {budget.reason}"]
    if chose_model:
        why.append(f"{label}: the largest listed model that fits and answers in good time")
    why.append(f"{label} needs {need / GIB:.2f} GiB with {seats} seats and a context of {context}")
    if need > budget.bytes:
        why.append("this is more than the budget: expect swapping, or choose a smaller model")
    if wish is not None and wish > context:
        why.append(f"the model was trained on {context} tokens: the context is not {wish}")
    why.append(
        f"{seats} seats share one copy of the weights, {profile.cores} threads"
        if seats > 1
        else f"one seat: no vote is held, {profile.cores} threads"
    )
    return Plan(spec, quant, seats, slots, context, cells, profile.cores, need, budget, tuple(why))
