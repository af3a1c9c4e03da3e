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
from local_swarm.bench.intervals import bootstrap, paired
from local_swarm.bench.question import Question
from local_swarm.bench.report import figures, mean, points, shown
from local_swarm.bench.scoring import Scored, accuracy, scored
from local_swarm.models.store import demo_path
from local_swarm.swarm.strategies import AUTO

SIZES = (3, 5, 9, 16)
SAMPLING: dict[str, Any] = {"temperature": 0.7}
_RUNG_COUNT, _RUNG_SAMPLES, _CALIBRATION = 30, 4, 60


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
            found = result["models"][model.stem][name] = figures(of, SIZES)
            if not given.json:
                show(f"{model.stem}, {name}", found)
        if len(models) == 2:
            known = [await calibrated(model, ladder, name) for model in models]
            both = result.setdefault("pooled", {})[name] = pool(by_model, known)
            if not given.json:
                print(
                    f"  pooled by weight {shown(both['weighted'])}, equal {shown(both['equal'])}, "
                    f"against the better alone "
                    f"{shown(both['weighted against the better'], sign=True)}"
                )
    last_line(result)


async def calibrated(model: Path, ladder: str, name: str) -> float:
    """The accuracy of greedy answers on development questions, with Laplace's prior."""
    dev = questions(ladder if name == "arithmetic" else name, _CALIBRATION, "develop")
    return measured(await asked(model, dev, 0, {}))


def show(title: str, found: dict[str, Any]) -> None:
    """One family of one model."""
    print(f"\n{title} ({found['questions']} questions)")
    print(f"  {'one greedy answer':22}{shown(found['greedy'])}")
    print(f"  {'one sample':22}{shown(found['one sample'])}")
    for size, value in found["votes"].items():
        gain = shown(found["gain"][size], sign=True)
        against = shown(found["against greedy"][size], sign=True)
        print(f"  {f'vote of {size}':22}{shown(value)}; against a sample {gain}, greedy {against}")
    seated = shown(found["greedy seat against greedy"], sign=True)
    print(f"  {'greedy among 9':22}{shown(found['greedy seat'])}; against greedy {seated}")
    sure = shown(found["by confidence against a sample"], sign=True)
    against = shown(found["by confidence against greedy"], sign=True)
    print(
        f"  {'9, by confidence':22}{shown(found['by confidence'])}; against a sample {sure}, "
        f"greedy {against}"
    )
    for name, value in found["strategies"].items():
        print(f"  {f'9, {name}':22}{shown(value)}")
    stopping, tokens = found["stopping"], found["tokens"]
    print(
        f"  tokens: {tokens['greedy']:g} greedy, {tokens['sample']:g} a sample; stopping at 9 "
        f"saves {stopping['time']:g} % of the time and {stopping['tokens']:g} % of the work, "
        f"another winner in {stopping['other winners']} of {stopping['votes']}"
    )


if __name__ == "__main__":
    asyncio.run(main())
