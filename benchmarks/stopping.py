"""What stopping early saves in real votes: the same votes with and without it, and in waves.

    scripts/bench stopping [--json] [--count 50] [--seats 9] [--temperature 0.7] [--model FILE]

Held-out questions of the demo model's families, each asked with the same seed three times, in
turns: all ballots awaited; stopped as soon as the winner cannot change; and in two waves, the
second only where the first decides nothing. Times are those of the whole vote through the swarm.
Same seeds give the same ballots but for rounding, which depends on who else is in the batch; where
the winners differ all the same, the ballots did, and that is counted.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._families import LADDER, OTHERS, questions, swarm
from benchmarks._node import last_line, machine
from local_swarm.ballot import Verdict
from local_swarm.bench.collect import ask
from local_swarm.bench.intervals import bootstrap
from local_swarm.bench.question import Question
from local_swarm.bench.report import points, shown
from local_swarm.chat import SwarmOptions
from local_swarm.models.store import demo_path
from local_swarm.swarm.manager import Swarm

_WAYS = {"all": (False, False), "stopping": (True, False), "waves": (True, True)}
"""Whether it stops early, and whether it goes in waves."""


@dataclass(frozen=True, slots=True)
class Vote:
    """Seconds, tokens of all seats, and the winning answer."""

    seconds: float
    tokens: int
    winner: str | None


async def votes(
    of: Swarm, question: Question, seats: int, sampling: dict[str, Any], turn: int
) -> dict[str, Vote]:
    """One question in each way; `turn` moves the order on."""
    found = {}
    names = list(_WAYS)
    for name in names[turn % 3 :] + names[: turn % 3]:
        early_stop, waves = _WAYS[name]
        options = SwarmOptions(
            seats=seats,
            early_stop=early_stop,
            waves=waves,
            include_ballots=True,
            escalate=False,
        )
        verdict = (await ask(of, question.request(options, **sampling))).verdict
        found[name] = Vote(verdict.seconds, verdict.total_tokens, _winner(verdict))
    return found


def _winner(verdict: Verdict) -> str | None:
    return verdict.groups[0].key if verdict.groups else None


async def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--count", type=int, default=50, help="questions of each family")
    options.add_argument("--family", action="append", choices=[*LADDER, *OTHERS])
    options.add_argument("--seats", type=int, default=9)
    options.add_argument("--temperature", type=float, default=0.7)
    options.add_argument("--model", type=Path, default=demo_path())
    given = options.parse_args()
    names = given.family or [LADDER[2], "word problems", "sums", "tool calls"]
    found: dict[str, list[dict[str, Vote]]] = {}
    async with swarm(given.model) as of:
        for name in names:
            found[name] = []
            for turn, question in enumerate(questions(name, given.count, "test")):
                sampling = {"temperature": given.temperature, "seed": 1000 * turn}
                found[name].append(await votes(of, question, given.seats, sampling, turn))
    every = [one for some in found.values() for one in some]
    result: dict[str, Any] = {
        "machine": machine(), "seats": given.seats, "temperature": given.temperature,
        "families": {name: figures(some) for name, some in {**found, "all": every}.items()},
    }  # fmt: skip
    if not given.json:
        print(f"{machine()}; {given.model.stem}, {given.seats} seats, T = {given.temperature:g}")
        for name, ways in result["families"].items():
            for way, one in ways.items():
                print(
                    f"{name:14} {way:9} saves {one['time']:5.1f} % of the time "
                    f"(a vote: {shown(one['time of a vote'])}), {one['tokens']:5.1f} % of the "
                    f"tokens; other winners: {one['other winners']} of {one['votes']}"
                )
    last_line(result)


def figures(of: list[dict[str, Vote]]) -> dict[str, Any]:
    """What the ways save of the time and tokens of votes that await all ballots, in per cent: of
    their sums, and the mean over votes."""
    seconds, tokens = sum(one["all"].seconds for one in of), sum(one["all"].tokens for one in of)
    return {
        way: {
            "votes": len(of),
            "time": round(100 * (1 - sum(one[way].seconds for one in of) / seconds), 1),
            "time of a vote": points(
                bootstrap([1 - one[way].seconds / one["all"].seconds for one in of])
            ),
            "tokens": round(100 * (1 - sum(one[way].tokens for one in of) / tokens), 1),
            "other winners": sum(one[way].winner != one["all"].winner for one in of),
        }
        for way in ("stopping", "waves")
    }


if __name__ == "__main__":
    asyncio.run(main())
