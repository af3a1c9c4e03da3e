"""`local-swarm bench vote`: what a vote gains over one answer, and what it costs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .. import settings as configuration
from ..bench.plot import bars, need_matplotlib, write_png
from ..bench.question import Question, read
from ..bench.report import shown
from ..bench.vote import SAMPLES, Measurement, measure
from ..errors import UsageError
from ..settings import Settings
from .subject import progress, subject


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured; see app.bench_vote."""

    questions: Path | None
    count: int
    seats: tuple[int, ...]
    temperature: float | None
    alternative: str | None
    plot: Path | None


def bench_vote(
    model: str | None, wanted: Wanted, as_json: bool, url: str | None, api_key: str | None
) -> None:
    """See app.bench_vote."""
    settings = configuration.read()
    if max(wanted.seats) > SAMPLES:
        raise UsageError(
            f"{max(wanted.seats)} votes are more than the {SAMPLES} samples that are kept.",
            hint=f"Give --seats {SAMPLES} or less.",
        )
    if wanted.plot:
        need_matplotlib()  # told before anything is asked
    asked = read(wanted.questions) if wanted.questions else _bundled(wanted.count)
    notes = Console(stderr=True, highlight=False, markup=False)
    result = asyncio.run(_measure(settings, model, asked, wanted, url, api_key, notes))
    if wanted.plot:
        write_png(wanted.plot, result)
        notes.print(f"Written to {wanted.plot}.")
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        _print(result)


def _bundled(count: int) -> list[Question]:
    from ..bench.calibration import KINDS, probe

    every = probe()
    return [q for kind in KINDS for q in [q for q in every if q.family == kind][:count]]


async def _measure(
    settings: Settings,
    model: str | None,
    asked: list[Question],
    wanted: Wanted,
    url: str | None,
    api_key: str | None,
    notes: Console,
) -> dict[str, Any]:
    sampling = {} if wanted.temperature is None else {"temperature": wanted.temperature}
    async with subject(settings, model, url, api_key, notes) as of:
        measurement = Measurement(of.responder, of.model, of.name, settings.data / "bench")
        with progress(notes, f"Asking {of.model}") as told:
            result = await measure(measurement, asked, wanted.seats, sampling, told)
    if wanted.alternative:
        async with subject(settings, None, wanted.alternative, api_key, notes) as larger:
            measurement = Measurement(
                larger.responder, larger.model, larger.name, settings.data / "bench"
            )
            with progress(notes, f"Asking {larger.model}") as told:
                result["alternative"] = await measurement.once(asked, told)
    return result


def _print(result: dict[str, Any]) -> None:
    out = Console(highlight=False, markup=False, soft_wrap=True)
    out.print(
        f"{result['model']}: {result['all']['questions']} questions, {result['samples']} samples "
        "each; per cent right, in brackets the 95 % interval"
    )
    sizes = list(result["all"]["votes"])
    table = Table(box=None, header_style="bold", pad_edge=False)
    names = ("", "greedy", "one sample", *(f"vote of {n}" for n in sizes), "best against greedy")
    for name in names:
        table.add_column(name, justify="right" if name else "left")
    for name, one in {**result["families"], "all": result["all"]}.items():
        best = max(one["against greedy"].values(), key=lambda value: float(value[0]))
        table.add_row(
            name,
            f"{one['greedy'][0]:.1f}",
            f"{one['one sample'][0]:.1f}",
            *(f"{one['votes'][n][0]:.1f}" for n in sizes),
            shown(best, sign=True),
        )
    out.print(table)
    every = result["all"]
    out.print(f"\nStrategies, {every['size']} votes:")
    for name, value in every["strategies"].items():
        out.print(f"  {name:12}{shown(value)}")
    out.print("\nWhat it costs, a question:")
    for name, cost in result["cost"].items():
        against = every["against greedy"].get(name)
        gain = f", {shown(against, sign=True)} points against greedy" if against else ""
        label = "one greedy answer" if name == "greedy" else f"vote of {name}"
        out.print(f"  {label:18}{cost['tokens']:7.0f} tokens {cost['seconds']:7.2f} s{gain}")
    stopping = every["stopping"]
    out.print(
        f"  stopping early saves {stopping['time']:g} % of the time of {every['size']} votes, "
        f"and changed {stopping['other winners']} of {stopping['votes']} winners"
    )
    if other := result.get("alternative"):
        out.print(
            f"  {other['model']} once: {other['tokens']:.0f} tokens, {other['seconds']:.2f} s, "
            f"{shown(other['right'])} right"
        )
    else:
        out.print(
            "  For the same cost a larger model could answer once: give its node with "
            "--alternative URL."
        )
    if result["loses"]:
        out.print(f"\nThe vote loses to one greedy answer in: {', '.join(result['loses'])}.")
    out.print()
    for line in bars(every):
        out.print(line)
