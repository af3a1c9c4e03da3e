"""What stopping early saves in real votes: the same votes with and without it, and in waves.

    scripts/bench stopping [--json] [--count 50] [--from 0] [--family sums] [--seats 9]
                           [--temperature 1.0] [--threads 2] [--model FILE | --shape 135m]

Held-out questions of the demo model's families, each asked with the same seed three times, in
turns: all ballots awaited; stopped as soon as the winner cannot change; and in two waves, the
second only where the first decides nothing. Times are those of the whole vote through the swarm.
Same seeds give the same ballots but for rounding, which depends on who else is in the batch: so
another winner is counted by whether every ballot was the same text in both votes (then it would be
an error) or not. With `--shape` weights are random and no two answers agree: what a vote costs
where nothing can be saved.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._families import LADDER, OTHERS, questions, swarm
from benchmarks._node import last_line, machine
from benchmarks._shapes import SHAPES, make
from local_swarm.ballot import Ballot, Verdict
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
    """Seconds, tokens of all seats, the winning answer, and what each seat said."""

    seconds: float
    tokens: int
    winner: str | None
    said: dict[str, str]

    def same(self, other: Vote) -> bool:
        """Whether all seats that answered in both said the same in both."""
        return all(self.said[seat] == other.said[seat] for seat in self.said.keys() & other.said)


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
        said = {seat_of(ballot): ballot.answer.text for ballot in verdict.ballots}
        found[name] = Vote(verdict.seconds, verdict.total_tokens, _winner(verdict), said)
    return found


def seat_of(ballot: Ballot) -> str:
    """The seat's number among all that were asked."""
    return ballot.voter.rpartition("#")[2]


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
    options.add_argument("--from", type=int, default=0, dest="begin", help="questions left out")
    options.add_argument("--seats", type=int, default=9)
    options.add_argument("--temperature", type=float, default=1.0)
    options.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options.add_argument("--model", type=Path, default=demo_path())
    options.add_argument("--shape", choices=sorted(SHAPES), help="random weights of this shape")
    given = options.parse_args()
    model = make(given.shape, "q4_k_m") if given.shape else given.model
    names = given.family or [LADDER[2], "word problems", "sums", "tool calls"]
    found: dict[str, list[dict[str, Vote]]] = {}
    async with swarm(model, given.threads) as of:
        await votes(of, questions(names[0], 1, "develop")[0], given.seats, {}, 0)  # it warms up
        for name in names:
            found[name] = []
            asked = questions(name, given.begin + given.count, "test")[given.begin :]
            for turn, question in enumerate(asked, given.begin):
                sampling = {"temperature": given.temperature, "seed": 1000 * turn}
                found[name].append(await votes(of, question, given.seats, sampling, turn))
    every = [one for some in found.values() for one in some]
    result: dict[str, Any] = {
        "machine": machine(), "seats": given.seats, "temperature": given.temperature,
        "families": {name: figures(some) for name, some in {**found, "all": every}.items()},
    }  # fmt: skip
    if not given.json:
        print(f"{machine()}; {model.stem}, {given.seats} seats, T = {given.temperature:g}")
        for name, ways in result["families"].items():
            for way, one in ways.items():
                print(
                    f"{name:14} {way:9} mean {one['mean s']:.2f} s, p95 {one['p95 s']:.2f} s "
                    f"({one['all p95 s']:.2f} s); saves {one['time']:5.1f} % of the time (a vote: "
                    f"{shown(one['time of a vote'])}), {one['tokens']:5.1f} % of the tokens; "
                    f"slower in {one['slower']} of {one['votes']}; other winners: "
                    f"{one['errors']} on the same ballots, {one['other winners']} on others"
                )
    last_line(result)


def figures(of: list[dict[str, Vote]]) -> dict[str, Any]:
    """What the ways save of the time and tokens of votes that await all ballots, in per cent: of
    their sums, and the mean over votes; `slower` counts votes that took 5 % longer or more."""
    seconds, tokens = sum(one["all"].seconds for one in of), sum(one["all"].tokens for one in of)
    return {
        way: {
            "votes": len(of),
            "time": round(100 * (1 - sum(one[way].seconds for one in of) / seconds), 1),
            "time of a vote": points(
                bootstrap([1 - one[way].seconds / one["all"].seconds for one in of])
            ),
            "tokens": round(100 * (1 - sum(one[way].tokens for one in of) / tokens), 1),
            "mean s": round(sum(one[way].seconds for one in of) / len(of), 3),
            "p95 s": round(_p95([one[way].seconds for one in of]), 3),
            "all p95 s": round(_p95([one["all"].seconds for one in of]), 3),
            "slower": sum(one[way].seconds > 1.05 * one["all"].seconds for one in of),
            "other winners": _others(of, way, same=False),
            "errors": _others(of, way, same=True),
        }
        for way in ("stopping", "waves")
    }


def _others(of: list[dict[str, Vote]], way: str, *, same: bool) -> int:
    """How many votes had another winner, on the same ballots or on others."""
    changed = [one for one in of if one[way].winner != one["all"].winner]
    return sum(one[way].same(one["all"]) is same for one in changed)


def _p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


if __name__ == "__main__":
    asyncio.run(main())
