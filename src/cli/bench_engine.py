"""`local-swarm bench engine`: what reading and writing cost here, kept for the next plan."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from .. import settings as configuration
from ..backends import extras
from ..backends.base import Served
from ..backends.tuning import Tuning
from ..bench.engine import Run, measure
from ..choose import Choice, Wish, choose
from ..crew import of_plan
from ..engines import LIBRARY, candidates, installed
from ..errors import UsageError
from ..models.measured import Entry, expected, keep, machine_of
from ..settings import Settings, clean_environment
from ..status import EngineStatus
from .progress import downloads


def bench_engine(
    model: str | None,
    seats: Sequence[int],
    prompt: int,
    tokens: int,
    engine: str | None,
    tuning: Tuning,
    as_json: bool,
) -> None:
    """See measure.bench_engine."""
    settings = configuration.read()
    tuning.check()
    notes = Console(stderr=True, highlight=False, markup=False)
    with downloads(notes) as on_download:
        draft, adapters = extras.planned(tuning)
        wish = Wish(model, max(seats), kv=tuning.kv, draft=draft, adapters=adapters)
        choice = choose(settings, wish, on_download)
    extras.check_fit(tuning, choice.path)
    room = choice.plan.context - tokens - 40
    if room < 1:
        raise UsageError(
            f"{tokens} tokens do not fit a context of {choice.plan.context}.",
            hint="Give a smaller --tokens.",
        )
    prompt = min(prompt, room)
    kinds = candidates(installed(settings, choice.profile), engine, choice.path)[:1]
    crew = of_plan(choice.plan, choice.path, clean_environment(), kinds=kinds, tuning=tuning)
    told = f"{crew.title} by {kinds[0].name}" + (f", {tuning.told}" if tuning.told else "")
    if not as_json:
        notes.print(f"{told}: prompts of {prompt} tokens, answers of {tokens}.", style="dim")
    runs, status = asyncio.run(_measured(crew.engines[0], seats, prompt, tokens))
    if kinds[0].name == LIBRARY and tuning == Tuning():
        _keep(settings, choice, runs)
    if as_json:
        print(json.dumps(_json(runs, status, tuning)))
    else:
        _print(runs, status)


async def _measured(
    engine: Served, seats: Sequence[int], prompt: int, tokens: int
) -> tuple[list[Run], EngineStatus]:
    try:
        await engine.start()
        runs = await measure(engine, seats, prompt=prompt, tokens=tokens)
        return runs, engine.status()
    finally:
        await engine.close()


def _keep(settings: Settings, choice: Choice, runs: Sequence[Run]) -> None:
    """For the planner: the pace of this machine, and what a further seat costs."""
    plan = choice.plan
    one = next((run.decode for run in runs if run.seats == 1), None)
    for run in runs:
        keep(
            settings.state,
            Entry(
                machine=machine_of(choice.profile),
                engine="bench",
                file=choice.path.name,
                file_bytes=plan.need.weights,
                seats=run.seats,
                cells=plan.cells,
                slots=plan.slots,
                predicted=plan.need.total,
                resident=None,
                one=one,
                all=run.decode,
                expected=expected(choice.profile, plan.spec, plan.need.weights),
            ),
        )


def _cost(run: Run, one: Run | None) -> float | None:
    """In answers of one seat: by processor seconds where they are known, else by the clock."""
    if one is None:
        return None
    if run.cpu_s and one.cpu_s:
        return run.cpu_s / one.cpu_s
    return run.seconds / one.seconds


def _json(runs: Sequence[Run], status: EngineStatus, tuning: Tuning) -> dict[str, Any]:
    one = next((run for run in runs if run.seats == 1), None)
    return {
        "engine": status.engine,
        "model": status.model,
        "tuning": tuning.config,
        "rss": status.rss,
        "pss": status.pss,
        "runs": [
            {**asdict(run), "prefill": run.prefill, "decode": run.decode, "cost": _cost(run, one)}
            for run in runs
        ],
    }


def _print(runs: Sequence[Run], status: EngineStatus) -> None:
    out = Console(highlight=False)
    one = next((run for run in runs if run.seats == 1), None)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("seats", "reads tokens/s", "writes tokens/s", "all seats", "seconds", "costs"):
        table.add_column(name, justify="right")
    for run in runs:
        cost = _cost(run, one)
        table.add_row(
            str(run.seats),
            f"{run.prefill:.0f}",
            f"{run.decode:.1f}",
            f"{run.decode * run.seats:.1f}",
            f"{run.seconds:.2f}",
            "" if cost is None else f"{cost:.2f} answers",
        )
    out.print(table)
    if status.pss or status.rss:
        out.print(f"memory {(status.pss or status.rss or 0) / (1 << 20):.0f} MiB")
