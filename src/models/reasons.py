"""Why a plan is as it is, and why another one is not: sentences for people. Pure."""

from __future__ import annotations

from ..hardware.numbers import GIB, MIB
from ..hardware.profile import Budget
from .plan import Candidate, Plan, label

_FREE = ("Apache-2.0", "MIT", "apache-2.0", "mit")


def why(plan: Plan, wished: int | None, floor: float | None, *, chosen: bool) -> tuple[str, ...]:
    """The reasons of a plan, a line each."""
    spec, seats = plan.spec, plan.seats
    lines = [_budget(plan.budget)]
    if chosen and plan.bytes > plan.budget.bytes:
        lines.append(f"{plan.label}: none of the listed models fits, this is the smallest")
    elif chosen and plan.isolated:
        lines.append(f"{plan.label}: the largest listed model of which several copies fit")
    elif chosen:
        lines.append(
            f"{plan.label}: the best of the listed models that fit, by quality, votes and speed"
        )
    if spec.quality is not None:
        lines.append(f"it answers {spec.quality:.0%} of MMLU-Pro rightly ({spec.quality_source})")
    if spec.licence and spec.licence not in _FREE:
        lines.append(f"its licence is {spec.licence}: read it before you build on it")
    lines.append(
        f"{plan.label} needs {plan.bytes / GIB:.2f} GiB with {counted(seats)} "
        f"and a context of {plan.context}"
    )
    if plan.need.beside >= GIB // 100:
        lines.append(f"{plan.need.beside / GIB:.2f} GiB of it for what is loaded beside the model")
    if plan.bytes > plan.budget.bytes:
        lines.append("this is more than the budget: expect swapping, or choose a smaller model")
    if wished is not None and wished > plan.context:
        lines.append(f"the model was trained on {plan.context} tokens: the context is not {wished}")
    lines += _device(plan)
    lines.append(_seats(plan))
    lines.append(_speed(plan, floor))
    return tuple(lines)


def _budget(budget: Budget) -> str:
    if budget.vram and budget.vram_reason and budget.vram < budget.bytes:
        ram = f"{_size(budget.bytes - budget.vram)} of RAM ({budget.reason})"
        return f"budget {_size(budget.vram)} on cards ({budget.vram_reason}) and {ram}"
    return f"budget {_size(budget.bytes)}: {budget.reason}"


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:,.0f} MiB"


def _device(plan: Plan) -> list[str]:
    if not plan.budget.vram:
        return []
    if plan.gpu_layers == plan.spec.layers:
        return ["all layers lie on graphics cards"]
    return [
        f"{plan.gpu_layers} of {plan.spec.layers} layers lie on graphics cards, the others in RAM"
    ]


def _seats(plan: Plan) -> str:
    threads = f"{plan.threads} thread{'' if plan.threads == 1 else 's'}"
    if plan.isolated:
        return f"{plan.seats} isolated workers, each with a copy of the weights and {threads}"
    if plan.seats == 1:
        return f"one seat: no vote is held, {threads}"
    return f"{plan.seats} seats share one copy of the weights, {threads}"


def _speed(plan: Plan, floor: float | None) -> str:
    speed = plan.tokens_per_second
    thoughts = ", long thoughts before the answer counted" if plan.spec.thinking else ""
    shown = f"{speed:.3g}" if speed < 1000 else f"{speed:,.0f}"
    text = f"about {shown} tokens/s for each answer, by memory bandwidth{thoughts}"
    if floor is not None and speed < floor:
        text += f": nothing that fits reaches {floor:g}"
    return text


def counted(seats: int) -> str:
    """How many seats, in words."""
    return "1 seat" if seats == 1 else f"{seats} seats"


def lost(other: Candidate, best: Candidate, budget: Budget, floor: float | None) -> str:
    """Why `other` is not the plan that `best` is."""
    need, limit = other.need.total, budget.bytes
    if not other.fits:
        if need > limit:
            return f"needs {need / GIB:.1f} GiB, {(need - limit) / GIB:.1f} more than the budget"
        return f"needs {need / GIB:.1f} GiB, of which too much would lie beside the cards"
    if floor is not None and other.tokens_per_second < floor <= best.tokens_per_second:
        return f"about {other.tokens_per_second:.2g} tokens/s, under the floor of {floor:g}"
    if other.spec.id == best.spec.id:
        what = f"{label(other.spec, other.quant)} with {counted(other.seats)}"
        return f"{what}: {_difference(other, best)}"
    return _difference(other, best)


def _difference(other: Candidate, best: Candidate) -> str:
    parts = [
        f"{name} {theirs - ours:+d}"
        for (name, theirs), (_, ours) in zip(other.score.terms(), best.score.terms(), strict=True)
        if theirs != ours
    ]
    gap = best.score.total - other.score.total
    if gap == 0:
        return "equal by score, and larger"
    if gap < 0:  # chosen by another rule than the score
        smaller = other.spec.parameters < best.spec.parameters
        lone = "fewer copies fit" if other.seats < best.seats else "slower"
        what = "fewer parameters" if smaller else lone
        return f"{other.score.total:,} points against {best.score.total:,}, but {what}"
    return f"{gap} points behind: " + ", ".join(parts)
