"""`local-swarm calibrate`: how often the model is right, by kind of answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from .. import settings as configuration
from ..bench.calibration import Measured, path_of
from ..bench.calibration import calibrate as measure
from ..errors import UsageError
from ..settings import Settings
from .subject import progress, subject


def calibrate(model: str | None, as_json: bool, url: str | None, api_key: str | None) -> None:
    """See app.calibrate."""
    settings = configuration.read()
    notes = Console(stderr=True, highlight=False, markup=False)
    told = asyncio.run(_measure(settings, model, url, api_key, notes))
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    out = Console(highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("kind", "right", "accuracy", "95 % interval"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, one in told["kinds"].items():
        low, high = one["interval"]
        table.add_row(
            kind,
            f"{one['right']} of {one['asked']}",
            f"{one['accuracy']:.1%}",
            f"{low:.0%} to {high:.0%}",
        )
    out.print(f"{told['model']}, one greedy answer a question")
    out.print(table)
    out.print(f"Kept in {told['file']}. In votes with other models its ballots weigh by this.")


async def _measure(
    settings: Settings, model: str | None, url: str | None, api_key: str | None, notes: Console
) -> dict[str, Any]:
    async with subject(settings, model, url, api_key, notes) as of:
        if of.file is None:
            raise UsageError(
                "The model's file is not on this machine.",
                hint="Run `local-swarm calibrate` on the machine of that node.",
            )
        with progress(notes, f"Asking {of.model}") as told:
            kinds = await measure(of.responder, settings, of.name, model=of.model, on_progress=told)
    return {
        "model": of.model,
        "sha256": of.name,
        "file": str(path_of(settings, of.name)),
        "kinds": {kind: _shown(one) for kind, one in kinds.items()},
    }


def _shown(one: Measured) -> dict[str, Any]:
    _, low, high = one.interval
    return {
        "right": one.right,
        "asked": one.asked,
        "accuracy": round(one.accuracy, 4),
        "interval": [round(low, 4), round(high, 4)],
    }
