"""`local-swarm models`: what is listed and what is on disk, and what of it this machine carries."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from .. import settings as configuration
from ..capacity import engine_budget, with_bandwidth
from ..hardware.detect import detect
from ..hardware.profile import Budget, HardwareProfile
from ..models.catalog import ModelSpec
from ..models.inventory import Stored, stored
from ..models.planner import MIN_SPEED, Plan, plan
from ..models.store import listed, local_file
from ..settings import Settings
from .units import speed

_COLUMNS = ("model", "size", "quality", "here", "needs", "tokens/s", "good at")
_NUMBERS = ("size", "quality", "needs", "tokens/s")


def models(fits: bool, as_json: bool) -> None:
    """See app.models."""
    settings = configuration.read()
    profile = with_bandwidth(settings, detect())
    spend = engine_budget(profile)
    rows = [_row(settings, profile, spend, spec) for spec in listed(settings.models).values()]
    rows = [row for row in rows if row["fits"] or not fits]
    known = {row["file"] for row in rows}
    there = stored(settings.models)
    others = [str(one.path) for one in there if one.whole and str(one.path) not in known]
    if as_json:
        disk = [
            {"file": str(one.path), "name": one.name, "bytes": one.bytes, "whole": one.whole}
            for one in there
        ]
        print(json.dumps({"models": rows, "files": others, "disk": disk}, ensure_ascii=False))
        return
    _print(rows, spend)
    _print_disk(there, settings)


def _row(
    settings: Settings, profile: HardwareProfile, spend: Budget, spec: ModelSpec
) -> dict[str, Any]:
    best = plan(profile, spend, [spec])
    on_disk = [
        path
        for path in (local_file(spec, quant, settings.models) for quant in spec.quants or (None,))
        if path
    ]
    return {
        "id": spec.id,
        "name": spec.name,
        "size": spec.size,
        "parameters": spec.parameters,
        "active": spec.active,
        "context": spec.context,
        "licence": spec.licence,
        "languages": spec.languages,
        "strengths": list(spec.strengths),
        "quality": spec.quality,
        "quality_source": spec.quality_source,
        "thinking": spec.thinking,
        "automatic": spec.automatic and spec.quality is not None,
        "repo": spec.repo,
        "mlx": spec.mlx,
        "quants": [quant.name for quant in spec.quants],
        "fits": best.bytes <= best.budget.bytes,
        "fast": best.tokens_per_second >= MIN_SPEED,
        "best": _best(best),
        "file": str(on_disk[0]) if on_disk else None,
    }


def _best(made: Plan) -> dict[str, Any]:
    return {
        "quant": made.quant.name if made.quant else None,
        "seats": made.seats,
        "context": made.context,
        "bytes": made.bytes,
        "tokens_per_second": made.tokens_per_second,
    }


def _print(rows: list[dict[str, Any]], spend: Budget) -> None:
    out = Console(highlight=False)
    cells = [list(_COLUMNS), *(_cells(row) for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(_COLUMNS))]
    for row in cells:
        told = [
            text.rjust(width) if name in _NUMBERS else text.ljust(width)
            for name, text, width in zip(_COLUMNS, row, widths, strict=True)
        ]
        line = "  ".join(told).rstrip()
        # In a narrow terminal the end of the line is cut, never a name that is to be copied.
        if out.is_terminal and len(line) > out.width:
            line = line[: out.width - 1] + "…"
        out.print(line, markup=False, soft_wrap=True)
    out.print(
        "\n* on this machine already. Quality: MMLU-Pro, as published.",
        f"{spend.bytes / (1 << 30):.1f} GB may be spent: {spend.reason}.",
        "Serve one: local-swarm run MODEL. Why: local-swarm plan --model MODEL --explain. "
        "Licences and all else: local-swarm models --json",
        sep="\n",
        markup=False,
        soft_wrap=True,
    )


def _cells(row: dict[str, Any]) -> list[str]:
    best = row["best"]
    what = f"{best['quant'] or 'file'} x {best['seats']}" if row["fits"] else "too large"
    return [
        row["id"] + (" *" if row["file"] else ""),
        row["size"] or "",
        f"{row['quality']:.0%}" if row["quality"] is not None else "",
        what + (", slow" if row["fits"] and not row["fast"] else ""),
        f"{best['bytes'] / (1 << 30):.1f} GB",
        speed(best["tokens_per_second"]),
        ", ".join(row["strengths"]),
    ]


def _print_disk(there: list[Stored], settings: Settings) -> None:
    if not there:
        return
    out = Console(highlight=False, markup=False, soft_wrap=True)
    total = sum(one.bytes for one in there) / (1 << 30)
    out.print(f"\nOn this disk, {total:.1f} GB in {settings.models}")
    for one in there:
        begun = "" if one.whole else "  begun; the same pull goes on with it"
        out.print(f"  {one.bytes / (1 << 30):6.2f} GB  {one.name}{begun}")
