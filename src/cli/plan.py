"""`local-swarm plan`: which model, quantization, seats and context, and why."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from .. import settings as configuration
from ..capacity import engine_budget, unused, with_bandwidth
from ..choose import specs_of
from ..errors import UsageError
from ..hardware.budget import GIB, budget
from ..hardware.detect import detect
from ..hardware.profile import Budget, Device, HardwareProfile
from ..models.footprint import cell_bytes
from ..models.planner import MIN_SPEED, Plan, Wishes, plan
from ..models.reasons import counted
from .units import size


@dataclass(frozen=True, slots=True)
class Machine:
    """What --memory, --ram and --vram say, in the user's words."""

    memory: str | None
    ram: str | None
    vram: str | None


def plan_command(
    machine: Machine,
    model: str | None,
    seats: int | None,
    context: int | None,
    isolated: bool,
    min_speed: float | None,
    kv: str,
    explain: bool,
    as_json: bool,
) -> None:
    """See app.plan."""
    settings = configuration.read()
    profile, spend = described(machine)
    notice = None
    if profile is None or spend is None:
        profile = with_bandwidth(settings, detect())
        spend, notice = engine_budget(profile), unused(profile)
    if min_speed is None and not machine.memory and not isolated:
        min_speed = MIN_SPEED
    specs = specs_of(settings, model)
    made = plan(profile, spend, specs, Wishes(seats, context, min_speed, kv, isolated))
    if as_json:
        print(json.dumps(told(made), ensure_ascii=False))
    else:
        if notice:
            print(notice)
        _print(made, explain)


def described(machine: Machine) -> tuple[HardwareProfile | None, Budget | None]:
    """The machine that the options describe, and its budget; (None, None) for this machine.

    --memory is the budget itself, and says nothing of speed. Raises UsageError.
    """
    if machine.memory is not None:
        if machine.ram or machine.vram:
            raise UsageError(
                "--memory is the budget itself; --ram and --vram describe a machine.",
                hint="Give the one or the others.",
            )
        given = size(machine.memory, "--memory")
        return _idle(given), Budget(given, "memory", "as given with --memory")
    if machine.ram is None and machine.vram is None:
        return None, None
    if machine.ram is None:
        raise UsageError("--vram needs --ram.", hint="Say both: --ram 16GB --vram 24GB.")
    profile = _idle(size(machine.ram, "--ram"))
    if machine.vram is not None:
        vram = size(machine.vram, "--vram")
        card = Device("any", "the card", vram, vram, unified=False, dedicated=vram)
        profile = replace(profile, devices=(card,))
    return profile, budget(profile)


def _idle(ram: int) -> HardwareProfile:
    """A machine of which only the memory is known, and that does nothing else."""
    spare = ram + GIB  # so that the margin of what is free does not count
    return HardwareProfile(platform.system(), platform.machine(), "as described", 8, ram, spare)


def told(made: Plan) -> dict[str, Any]:
    """A plan as JSON values; sizes in bytes, of which weights, kv and compute make the total."""
    need = made.need
    return {
        "model": made.spec.id,
        "name": made.spec.name,
        "size": made.spec.size,
        "quant": made.quant.name if made.quant else None,
        "seats": made.seats,
        "context": made.context,
        "isolated": made.isolated,
        "kv": made.kv,
        "device": made.budget.device,
        "gpu_layers": made.gpu_layers,
        "layers": made.spec.layers,
        "threads": made.threads,
        "fits": made.bytes <= made.budget.bytes,
        "bytes": {
            "weights": need.weights,
            "kv": need.kv + need.cache,
            "kv_of_earlier_chats": need.cache,
            "compute": need.compute,
            "total": need.total,
            "budget": made.budget.bytes,
        },
        "tokens_per_second": made.tokens_per_second,
        "score": {**dict(made.score.terms()), "total": made.score.total},
        "why": list(made.why),
        "runners_up": [
            {
                "model": other.spec.id,
                "quant": other.quant.name if other.quant else None,
                "seats": other.seats,
                "context": other.context,
                "bytes": other.bytes,
                "tokens_per_second": other.tokens_per_second,
                "score": other.score.total,
                "why": other.why,
            }
            for other in made.runners_up
        ],
    }


def _print(made: Plan, explain: bool) -> None:
    out = Console(highlight=False, soft_wrap=True, markup=False)
    kind = f"{made.seats} isolated workers" if made.isolated else counted(made.seats)
    out.print(f"{made.label}: {kind}, context {made.context}")
    for line in made.why:
        out.print(f"  - {line}")
    need = made.need
    parts = [
        ("weights", need.weights, _weights(made)),
        ("KV cache", need.kv, _kv(made)),
        ("compute", need.compute, "activations, vocabulary, the engine itself"),
        ("earlier chats", need.cache, "prefixes that are kept for the next question"),
    ]
    out.print("\nMemory (1 GB = 2^30 bytes)")
    for name, part, how in parts:
        exact = f"{part:>18,} bytes" if explain else ""
        out.print(f"  {name:<14}{part / GIB:>8.2f} GB{exact}  {how}")
    exact = f"{need.total:>18,} bytes" if explain else ""
    out.print(f"  {'total':<14}{need.total / GIB:>8.2f} GB{exact}  of {_of(made)}")
    if explain:
        out.print("\nScore, in thousandths of log-odds of a right answer (docs/planning.md)")
        for name, value in made.score.terms():
            out.print(f"  {name:<14}{value:>8,d}")
        out.print(f"  {'total':<14}{made.score.total:>8,d}")
    if made.runners_up:
        out.print("\nWhat else was weighed")
    for other in made.runners_up:
        quant = f" {other.quant.name}" if other.quant else ""
        out.print(
            f"  {other.spec.name}{quant}, {counted(other.seats)}, "
            f"context {other.context}: {other.why}"
        )


def _of(made: Plan) -> str:
    return f"{made.budget.bytes / GIB:.2f} GB that may be spent"


def _weights(made: Plan) -> str:
    copies = f"{made.seats} copies of " if made.isolated else ""
    if made.spec.file_bytes is not None:
        return f"{copies}the file"
    bits = made.quant.bits if made.quant else 16
    return f"{copies}{made.spec.parameters / 1e9:.2f} billion parameters x {bits:g} bits"


def _kv(made: Plan) -> str:
    copies = f"{made.seats} x " if made.isolated else ""
    window = f", {made.spec.window_layers} layers with a window of {made.spec.window} tokens"
    state = f", and a state of {made.spec.state_bytes / (1 << 20):.0f} MB for each of {made.slots}"
    return (
        f"{copies}{made.cells:,} tokens x {cell_bytes(made.spec, made.kv):,} bytes"
        + (window if made.spec.window else "")
        + (state if made.spec.state_bytes else "")
    )
