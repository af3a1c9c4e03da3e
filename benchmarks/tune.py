"""What beats one greedy answer: temperatures, min_p, a greedy seat, confidence, number of seats.

    scripts/bench tune [--json] [--count 100] [--family arithmetic] [--steps 3] [--model FILE]

Everything is tried on development questions; `scripts/bench vote` reports the choice on the test
questions. Samples are kept as there. The figures are points against one greedy answer on the same
questions, with a paired bootstrap interval.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks._families import OTHERS, SAMPLES, questions
from benchmarks._node import last_line, machine
from benchmarks.vote import asked, rung
from local_swarm.bench.intervals import paired
from local_swarm.bench.report import points, shown
from local_swarm.bench.scoring import Scored, accuracy
from local_swarm.models.store import demo_path
from local_swarm.swarm.strategies import AUTO

SETTINGS: tuple[dict[str, Any], ...] = (
    {"temperature": 0.4},
    {"temperature": 0.7},
    {"temperature": 1.0},
    {"temperature": 1.3},
    {"temperature": 1.0, "min_p": 0.1},
    {"temperature": 1.3, "min_p": 0.2},
)
_CHOSEN = {"temperature": 0.7}  # the one by which the arithmetic family is chosen


def heavy(of: Scored, weight: float) -> Scored:
    """The same, the greedy answer weighing more."""
    return replace(of, greedy=replace(of.greedy, weight=weight) if of.greedy else None)


def figures(of: Sequence[Scored]) -> dict[str, list[float]]:
    """Points against one greedy answer, by what was done."""
    greedy = [float(one.greedy_right) for one in of]
    tried = {"one sample": [accuracy(one, AUTO, 1) for one in of]}
    tried |= {f"vote of {n}": [accuracy(one, AUTO, n) for one in of] for n in (3, 5, 9, 16)}
    for size in (3, 5, 9):
        tried[f"greedy among {size}"] = [accuracy(one, AUTO, size, greedy_seat=True) for one in of]
    for weight in (2, 3):
        tried[f"greedy x {weight} among 9"] = [
            accuracy(heavy(one, weight), AUTO, 9, greedy_seat=True) for one in of
        ]
    tried["9 by confidence"] = [accuracy(one, AUTO, 9, by_confidence=True) for one in of]
    return {name: points(paired(values, greedy)) for name, values in tried.items()}


async def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--count", type=int, default=100, help="questions of each family")
    options.add_argument("--family", action="append", choices=["arithmetic", *OTHERS])
    options.add_argument("--steps", type=int, help="of the arithmetic family; default: chosen")
    options.add_argument("--model", type=Path, default=demo_path())
    given = options.parse_args()
    steps = given.steps
    ladder = f"arithmetic {steps}" if steps else await rung(given.model, _CHOSEN)
    names = given.family or ["arithmetic", "word problems", "lists", "facts", "tool calls"]
    result: dict[str, Any] = {"machine": machine(), "model": given.model.stem, "families": {}}
    pooled: dict[str, list[Scored]] = {str(setting): [] for setting in SETTINGS}
    for name in names:
        made = questions(ladder if name == "arithmetic" else name, given.count, "develop")
        result["families"][name] = {}
        for setting in SETTINGS:
            of = await asked(given.model, made, SAMPLES, setting)
            pooled[str(setting)] += of
            _told(name, setting, of, result["families"][name], quiet=given.json)
    result["families"]["all"] = {}
    for setting in SETTINGS:
        of = pooled[str(setting)]
        _told("all", setting, of, result["families"]["all"], quiet=given.json)
    last_line(result)


def _told(
    name: str, setting: dict[str, Any], of: Sequence[Scored], into: dict[str, Any], *, quiet: bool
) -> None:
    found = into[str(setting)] = figures(of)
    if not quiet:
        greedy = 100 * sum(one.greedy_right for one in of) / len(of)
        print(f"\n{name}, {setting}: {len(of)} questions, one greedy answer {greedy:.1f} %")
        for what, value in found.items():
            print(f"  {what:18} {shown(value, sign=True)}")


if __name__ == "__main__":
    asyncio.run(main())
