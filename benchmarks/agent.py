"""What a vote on tool calls gains the agent: exact calls, and wrong actions that were done.

    scripts/bench agent [--json] [--count 200] [--temperature T] [--model FILE ...]

Held-out requests of the demo model's families, one call each, as the agent sends them: its system
text, its six tools, its sampling (the engine's own, unless --temperature says otherwise). One
greedy answer and 20 samples of each request are kept under .cache/vote. Votes over random subsets
of them are then decided by the engine's `decide` and judged by the agent's own rule: what changes
something needs more than half of all workers, else as many again are asked, else it is not done.
Nothing is executed here: an action counts as done where the agent would have done it unasked
(--yolo). Intervals are bootstraps over requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from benchmarks._families import SAMPLES, store, swarm
from benchmarks._node import last_line, machine
from local_swarm.ballot import Answer, Meter, ToolCall
from local_swarm.bench.collect import collect
from local_swarm.bench.intervals import bootstrap, paired
from local_swarm.bench.question import Question
from local_swarm.bench.report import points, shown
from local_swarm.bench.scoring import Scored, rule_of, scored
from local_swarm.errors import ToolError
from local_swarm.models.store import demo_path
from local_swarm.swarm.decision import decide
from local_swarm.swarm.strategies import AUTO
from local_swarm.tools.agent import SYSTEM
from local_swarm.tools.backing import backing
from local_swarm.tools.base import wire
from local_swarm.tools.sandbox import Mechanism, Sandbox
from local_swarm.tools.toolset import toolset
from training.demo.corpus import held_out
from training.demo.engine import call_in
from training.demo.families.tool_calls import request_with
from training.demo.template import TOOLS

SIZES = (1, 3, 5, 9)
SUBSETS = 100
_TOOLS = toolset(Sandbox(Mechanism.NAMESPACES))  # to be listed, not to be run


@dataclass(frozen=True, slots=True)
class Shares:
    """Of one request, over many votes, from 0 to 1. `exact`: the right call was done; `wrong`:
    another one that changes something was done; `held`: one that changes something was not done
    for want of a majority, and `lost`, the part of these that was right."""

    exact: float
    wrong: float
    held: float
    lost: float


def tasks(count: int) -> list[Question]:
    """Requests that need one call first, which the model was not trained on."""
    made: list[Question] = []
    for sample in held_out(partial(request_with, tools=tuple(TOOLS)), 2 * count, "test", True):
        call = call_in(sample.turns[1][1])
        if call is None:
            continue
        gold = Answer(tool_calls=(ToolCall("", call["name"], json.dumps(call["arguments"])),))
        said = ({"role": "system", "content": SYSTEM}, {"role": "user", "content": sample.key})
        offered = tuple(wire(tool) for tool in _TOOLS.values())
        made.append(Question(sample.key, "agent", said, (gold,), offered, max_tokens=120))
    return made[:count]


def judged(of: Scored, size: int) -> Shares:
    """What comes of one request with `size` workers."""
    random, rule = Random(f"{of.id} {size}"), rule_of(of.asked, AUTO)
    counts = [0, 0, 0, 0]
    for draw in range(SUBSETS):
        places = random.sample(range(len(of.casts)), min(2 * size, len(of.casts)))
        for asked in (places[:size], places):  # then as many again, where that is not enough
            casts = [of.casts[at] for at in asked]
            verdict = decide(casts, rule, f"{of.id} {draw}", asked=len(casts), meter=Meter())
            assert verdict.winner
            calls = verdict.winner.answer.tool_calls
            changes = changing(calls)
            done = not changes or backing(verdict, verdict.winner.answer).doubt is None
            right = bool(calls) and of.grade(verdict.winner)
            if done or size == 1:
                break
        counts[0] += right and done
        counts[1] += changes and done and not right
        counts[2] += not done
        counts[3] += not done and right
    exact, wrong, held, lost = (count / SUBSETS for count in counts)
    return Shares(exact, wrong, held, lost)


def greedy(of: Scored) -> Shares:
    """What comes of the one greedy answer."""
    assert of.greedy
    changes = changing(of.greedy.ballot.answer.tool_calls)
    return Shares(of.greedy_right, changes and not of.greedy_right, 0, 0)


def changing(calls: Sequence[ToolCall]) -> bool:
    """Whether one of `calls` would change something: its tool takes it."""
    for call in calls:
        tool = _TOOLS.get(call.name)
        with suppress(ToolError):
            if tool is not None and tool.changes and tool.parse(call.arguments):
                return True
    return False


async def asked(model: Path, wanted: Sequence[Question], sampling: dict[str, Any]) -> list[Scored]:
    """The graded candidates of `model`, from the cache where they are."""
    kept = store(model)
    hashes = [question.hash(samples=SAMPLES, **sampling) for question in wanted]
    if any(name not in kept for name in hashes):
        async with swarm(model) as answering:
            await collect(answering, wanted, kept, samples=SAMPLES, sampling=sampling)
    found = [kept.get(name) for name in hashes]
    return [scored(q, of) for q, of in zip(wanted, found, strict=True) if of]


def figures(of: Sequence[Scored]) -> dict[str, Any]:
    """Per cent with intervals, by number of workers; differences are against one sample."""
    rows = {"greedy": [greedy(one) for one in of]}
    rows |= {str(size): [judged(one, size) for one in of] for size in SIZES}
    one = rows["1"]
    return {
        name: {
            "exact": points(bootstrap([s.exact for s in shares])),
            "wrong": points(bootstrap([s.wrong for s in shares])),
            "held": points(bootstrap([s.held for s in shares])),
            "lost": points(bootstrap([s.lost for s in shares])),
            "exact against one": points(paired([s.exact for s in shares], [s.exact for s in one])),
            "wrong against one": points(paired([s.wrong for s in shares], [s.wrong for s in one])),
        }
        for name, shares in rows.items()
    }


async def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--count", type=int, default=200, help="requests")
    options.add_argument("--temperature", type=float)
    options.add_argument("--model", action="append", type=Path, help="a GGUF")
    given = options.parse_args()
    mini = demo_path().with_name("demo-mini.gguf")
    sampling = {} if given.temperature is None else {"temperature": given.temperature}
    wanted = tasks(given.count)
    result: dict[str, Any] = {"machine": machine(), "sampling": sampling, "tasks": len(wanted)}
    for model in given.model or [demo_path(), mini]:
        found = result[model.stem] = figures(await asked(model, wanted, sampling))
        if not given.json:
            show(f"{model.stem} ({len(wanted)} requests, {sampling or 'own sampling'})", found)
    last_line(result)


def show(title: str, found: dict[str, Any]) -> None:
    """One model."""
    print(f"\n{title}")
    for name, row in found.items():
        print(
            f"  {name:7} exact {shown(row['exact'])}  wrong actions {shown(row['wrong'])}  held "
            f"back {shown(row['held'])}, of these right {shown(row['lost'])}"
        )
        if name not in ("1", "greedy"):
            print(
                f"  {'':7} against one: exact {shown(row['exact against one'], sign=True)}, "
                f"wrong actions {shown(row['wrong against one'], sign=True)}"
            )


if __name__ == "__main__":
    asyncio.run(main())
