"""How right votes are on published samples, and what stopping early saves.

    scripts/bench replay FILE [--json] [--strategy majority] [--subsets 200]

FILE has JSON lines: {"id": "1", "gold": "18", "kind": "number", "samples": [{"text": "The answer
is 18", "tokens": 42}, ...]}; `gold` may be a list of right answers, `kind` is number, choice,
date, short, json, code or text. The votes are random subsets of the samples; a figure for one
worker is exact, as is one for all samples. Intervals are paired bootstraps over questions. Ballots
arrive as if every worker wrote equally fast. benchmarks/convert_*.py make such files of public
dumps; none is kept in this repository.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks._node import last_line
from local_swarm.ballot import Answer, Ballot, Finish
from local_swarm.bench.intervals import Interval, paired
from local_swarm.bench.question import is_right
from local_swarm.bench.savings import Savings, savings
from local_swarm.bench.scoring import SUBSETS, Scored, accuracy, graded
from local_swarm.swarm.canonical import Asked, Kind, key_of
from local_swarm.swarm.strategies import NAMES
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME

SIZES = (1, 3, 5, 9, 40)
_STRATEGIES = tuple(name for name in NAMES if name != "auto")
_STOPS = 200  # votes of at most so many ballots a question


class Unusable(Exception):
    """The file is none of samples; the message says where and why."""


def load(path: Path) -> list[Scored]:
    """The questions of a file with their graded samples. Raises Unusable."""
    found = []
    try:
        with path.open(encoding="utf-8") as file:
            for at, line in enumerate(file, start=1):
                if line.strip():
                    found.append(_read(line, f"{path}, line {at}"))
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path} is no UTF-8.") from None
    if not found:
        raise Unusable(f"{path} has no questions.")
    return found


def _read(line: str, where: str) -> Scored:
    try:
        given = json.loads(line)
        asked = Asked(Kind(given["kind"]))
        texts = given["gold"] if isinstance(given["gold"], list) else [given["gold"]]
        gold = [Answer(str(text)) for text in texts]
        ballots = [_ballot(one, at) for at, one in enumerate(given["samples"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{where}: no question with gold, kind and samples ({error}).") from None
    if not ballots:
        raise Unusable(f"{where}: no samples.")
    casts = tuple(Cast(ballot, key_of(asked, ballot)) for ballot in ballots)

    def grade(ballot: Ballot) -> bool:
        return is_right(asked, gold, ballot)

    name = str(given.get("id", where))
    return Scored(name, asked.kind.value, asked, casts, tuple(graded(casts, grade)), grade=grade)


def _ballot(one: Mapping[str, Any], at: int) -> Ballot:
    tokens = int(one["tokens"])
    return Ballot(
        answer=Answer(str(one["text"])),
        voter=f"{HOME}/samples#{at}",
        machine=HOME,
        model="samples",
        finish=Finish(one.get("finish") or "stop"),
        tokens=tokens,
        seconds=float(one.get("seconds", tokens)),
        confidence=one.get("confidence"),
    )


def curve(questions: Sequence[Scored], strategy: str, subsets: int) -> dict[int, list[float]]:
    """Accuracy by number of workers, a value a question."""
    sizes = [size for size in SIZES if all(size <= len(of.casts) for of in questions)]
    return {
        size: [accuracy(of, strategy, size, subsets=subsets) for of in questions] for size in sizes
    }


def stops(questions: Sequence[Scored], strategy: str) -> dict[int, Savings]:
    """What stopping saves, by number of workers."""
    sizes = [size for size in SIZES[1:] if all(size <= len(of.casts) for of in questions)]
    return {
        size: savings(questions, strategy, size, draws=max(1, _STOPS // size // 4))
        for size in sizes
    }


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("file", type=Path)
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--strategy", choices=NAMES, action="append", help="may be repeated")
    options.add_argument(
        "--subsets",
        type=int,
        default=SUBSETS,
        help="votes a question; 12 at most where meanings are compared",
    )
    asked = options.parse_args()
    try:
        questions = load(asked.file)
    except Unusable as error:
        print(f"scripts/bench replay: {error}", file=sys.stderr)
        sys.exit(2)
    samples = [len(of.casts) for of in questions]
    result: dict[str, Any] = {"questions": len(questions), "samples": min(samples)}
    if not asked.json:
        print(f"{len(questions)} questions, {min(samples)} to {max(samples)} samples each")
        print(f"{'accuracy %':12}" + "".join(f"{f'N={size}':>8}" for size in SIZES))
    curves: dict[str, dict[int, list[float]]] = {}
    for strategy in asked.strategy or _STRATEGIES:
        started = time.monotonic()
        curves[strategy] = values = curve(questions, strategy, asked.subsets)
        gains = {size: paired(values[size], values[1]) for size in values}
        result[strategy] = {
            str(size): {"accuracy": round(100 * mean(values[size]), 2), "gain": _points(gain)}
            for size, gain in gains.items()
        }
        if not asked.json:
            row = "".join(f"{100 * mean(values[size]):8.1f}" for size in values)
            print(f"{strategy:12}{row}   ({time.monotonic() - started:.0f} s)")
            print(f"{'  gain':12}{'':8}" + "  ".join(_shown(g) for n, g in gains.items() if n > 1))
    for strategy in curves:
        _stopping(strategy, stops(questions, strategy), result, quiet=asked.json)
    last_line(result)


def _stopping(
    strategy: str, saved: Mapping[int, Savings], result: dict[str, Any], *, quiet: bool
) -> None:
    result[strategy]["saved"] = {
        str(size): {k: round(v, 4) for k, v in asdict(of).items()} for size, of in saved.items()
    }
    if quiet:
        return
    print(f"stopping early saves, {strategy}:")
    for size, of in saved.items():
        print(
            f"  N={size:<3} side by side: {of.tokens:4.0%} of the tokens, {of.wall:4.0%} of the "
            f"time ({of.wall_of_a_vote:.0%} of a vote's); in a row: {of.samples:4.0%} of the "
            f"samples, {of.row_tokens:4.0%} of the tokens; another winner in {of.changed} of "
            f"{of.votes} votes"
        )


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return math.fsum(values) / len(values)


def _points(of: Interval) -> list[float]:
    return [round(100 * value, 2) for value in of]


def _shown(of: Interval) -> str:
    return f"{100 * of.mean:+.1f} [{100 * of.low:+.1f}, {100 * of.high:+.1f}]"


if __name__ == "__main__":
    main()
