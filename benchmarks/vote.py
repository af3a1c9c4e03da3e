"""What a vote of the demo models gains over one answer, by family, strategy and number of seats.

    scripts/bench vote [--json] [--quick] [--count 300] [--family arithmetic] [--model FILE ...]

Held-out questions of the demo model's families go through the engine that ships: one greedy answer
and 20 samples each, kept under .cache/vote, so that a run which was broken off goes on. All
strategies and numbers of seats are then counted on the same ballots by the engine's own `decide`,
over random subsets; intervals are paired bootstraps over questions. How many steps a question of
the arithmetic family has is chosen on the development split: single samples of the first model
come closest to 60 % there. With two models their ballots are also pooled, each weighing by the
accuracy of its model on 60 development questions.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._families import LADDER, OTHERS, SAMPLES, questions, store, swarm
from benchmarks._node import last_line, machine
from benchmarks._pool import measured, pooled
from local_swarm.bench.collect import collect
from local_swarm.bench.intervals import Interval, bootstrap, paired
from local_swarm.bench.question import Question
from local_swarm.bench.savings import savings
from local_swarm.bench.scoring import Scored, accuracy, scored
from local_swarm.models.store import demo_path
from local_swarm.swarm.strategies import AUTO, NAMES

SIZES = (3, 5, 9, 16)
SAMPLING: dict[str, Any] = {"temperature": 0.7}
_RUNG_COUNT, _RUNG_SAMPLES, _CALIBRATION = 30, 4, 60
_STRATEGIES = tuple(name for name in NAMES if name != AUTO)


async def asked(
    model: Path, wanted: Sequence[Question], samples: int, sampling: dict[str, Any]
) -> list[Scored]:
    """The graded candidates of `model`, from the cache where they are."""
    kept = store(model)
    if any(q.hash(samples=samples, **sampling) not in kept for q in wanted):

        def told(done: int, total: int) -> None:
            if sys.stderr.isatty():
                end = "\n" if done == total else ""
                print(f"\r{model.stem}: {done} of {total} questions ", end=end, file=sys.stderr)

        async with swarm(model) as answering:
            await collect(
                answering, wanted, kept, samples=samples, sampling=sampling, on_progress=told
            )
    found = ((q, kept.get(q.hash(samples=samples, **sampling))) for q in wanted)
    return [scored(question, candidates) for question, candidates in found if candidates]


async def rung(model: Path, sampling: dict[str, Any]) -> str:
    """The arithmetic family whose single samples come closest to 60 % on development questions."""
    away: dict[str, float] = {}
    for name in LADDER:
        dev = questions(name, _RUNG_COUNT, "develop")
        of = await asked(model, dev, _RUNG_SAMPLES, sampling)
        rate = mean([accuracy(one, AUTO, 1) for one in of])
        away[name] = abs(rate - 0.6)
        if rate < 0.3:  # it only gets harder
            break
    return min(away, key=lambda name: away[name])


def family(of: Sequence[Scored]) -> dict[str, Any]:
    """All figures of one family, in per cent and points."""
    greedy = [float(one.greedy_right) for one in of]
    single = [accuracy(one, AUTO, 1) for one in of]
    votes = {size: [accuracy(one, AUTO, size) for one in of] for size in SIZES}
    by_name = {name: [accuracy(one, name, 9) for one in of] for name in _STRATEGIES}
    seated = [accuracy(one, AUTO, 9, greedy_seat=True) for one in of]
    saved = savings(of, AUTO, 9, draws=20, by_seconds=True)
    return {
        "questions": len(of),
        "greedy": points(bootstrap(greedy)),
        "one sample": points(bootstrap(single)),
        "votes": {str(size): points(bootstrap(values)) for size, values in votes.items()},
        "gain of 9": points(paired(votes[9], single)),
        "against greedy": points(paired(votes[9], greedy)),
        "strategies of 9": {name: points(bootstrap(v)) for name, v in by_name.items()},
        "greedy among 9": points(bootstrap(seated)),
        "greedy among 9 against greedy": points(paired(seated, greedy)),
        "tokens": {
            "greedy": round(mean([one.greedy.ballot.tokens for one in of if one.greedy]), 1),
            "of 9": round(9 * mean([c.ballot.tokens for one in of for c in one.casts]), 1),
        },
        "stopping at 9": {
            "wall": round(100 * saved.wall, 1),
            "tokens": round(100 * saved.tokens, 1),
            "other winners": saved.changed,
            "votes": saved.votes,
        },
    }


def pool(by_model: Sequence[Sequence[Scored]], known: Sequence[float]) -> dict[str, Any]:
    """Nine seats of each of two models together, against nine of the better one alone."""
    alone = [[accuracy(one, AUTO, 9) for one in of] for of in by_model]
    better = max(alone, key=mean)
    weighted = [pooled(parts, known) for parts in zip(*by_model, strict=True)]
    equal = [pooled(parts, [0.5] * len(known)) for parts in zip(*by_model, strict=True)]
    return {
        "alone": [points(bootstrap(values)) for values in alone],
        "weighted": points(bootstrap(weighted)),
        "equal": points(bootstrap(equal)),
        "weighted against the better": points(paired(weighted, better)),
        "equal against the better": points(paired(equal, better)),
        "accuracy": [round(100 * value, 1) for value in known],
    }


async def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--quick", action="store_true", help="40 questions of two families")
    options.add_argument("--count", type=int, default=300, help="questions of each family")
    options.add_argument("--family", action="append", choices=["arithmetic", *OTHERS])
    options.add_argument("--model", action="append", type=Path, help="a GGUF; twice to pool them")
    options.add_argument("--steps", type=int, help="of the arithmetic family; default: chosen")
    options.add_argument("--temperature", type=float, default=SAMPLING["temperature"])
    options.add_argument("--min-p", type=float)
    given = options.parse_args()
    mini = demo_path().with_name("demo-mini.gguf")
    models = given.model or [demo_path(), *([mini] if mini.exists() else [])]
    sampling = {"temperature": given.temperature}
    sampling |= {} if given.min_p is None else {"min_p": given.min_p}
    count = 40 if given.quick else given.count
    names = given.family or (["arithmetic", "sums"] if given.quick else ["arithmetic", *OTHERS])
    ladder = f"arithmetic {given.steps}" if given.steps else await rung(models[0], sampling)

    result: dict[str, Any] = {"machine": machine(), "sampling": sampling, "arithmetic": ladder}
    result["models"] = {model.stem: {} for model in models}
    if not given.json:
        print(f"{machine()}; {SAMPLES} samples a question, {sampling}; arithmetic: {ladder[11:]}")
    for name in names:
        made = questions(ladder if name == "arithmetic" else name, count, "test")
        by_model = [await asked(model, made, SAMPLES, sampling) for model in models]
        for model, of in zip(models, by_model, strict=True):
            figures = result["models"][model.stem][name] = family(of)
            if not given.json:
                show(f"{model.stem}, {name}", figures)
        if len(models) == 2:
            known = [await calibrated(model, ladder, name) for model in models]
            figures = result.setdefault("pooled", {})[name] = pool(by_model, known)
            if not given.json:
                print(
                    f"  pooled by weight {shown(figures['weighted'])}, equal "
                    f"{shown(figures['equal'])}, against the better alone "
                    f"{shown(figures['weighted against the better'], sign=True)}"
                )
    last_line(result)


async def calibrated(model: Path, ladder: str, name: str) -> float:
    """The accuracy of greedy answers on development questions, with Laplace's prior."""
    dev = questions(ladder if name == "arithmetic" else name, _CALIBRATION, "develop")
    return measured(await asked(model, dev, 0, {}))


def show(title: str, figures: dict[str, Any]) -> None:
    """One family of one model."""
    print(f"\n{title} ({figures['questions']} questions)")
    print(f"  one greedy answer  {shown(figures['greedy'])}")
    print(f"  one sample         {shown(figures['one sample'])}")
    for size, value in figures["votes"].items():
        print(f"  vote of {size:<10} {shown(value)}")
    print(f"  greedy among 9     {shown(figures['greedy among 9'])}")
    for name, value in figures["strategies of 9"].items():
        print(f"  9, {name:15} {shown(value)}")
    print(f"  9 against one sample  {shown(figures['gain of 9'], sign=True)}")
    print(f"  9 against greedy      {shown(figures['against greedy'], sign=True)}")
    seated = figures["greedy among 9 against greedy"]
    print(f"  greedy among 9 against greedy  {shown(seated, sign=True)}")
    stopping, tokens = figures["stopping at 9"], figures["tokens"]
    print(f"  tokens: {tokens['greedy']:g} for one, {tokens['of 9']:g} for 9", end="")
    print(
        f"; stopping saves {stopping['wall']:g} % of the time and {stopping['tokens']:g} % of the "
        f"seats' work, another winner in {stopping['other winners']} of {stopping['votes']}"
    )


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 of none."""
    return sum(values) / len(values) if values else 0.0


def points(of: Interval) -> list[float]:
    """In per cent."""
    return [round(100 * value, 1) for value in of]


def shown(of: Sequence[float], *, sign: bool = False) -> str:
    """A figure with its interval."""
    form = "+.1f" if sign else ".1f"
    return f"{of[0]:{form}} [{of[1]:{form}}, {of[2]:{form}}]"


if __name__ == "__main__":
    asyncio.run(main())
