"""Votes on code by running it: which programs do the same on the same inputs?

How to call (what runs the programs is handed in, so nothing here chooses a sandbox):

    runner = PythonRunner(await probe.find())         # tools/python.py; built by node.py
    keys = await behave(question, answers, runner)    # one a answer; None abstains
    told = await study(question, answers, runner)     # with scores and examples met

`functools.partial(study, runner=runner)` is what the election takes for `Extras.behave`. When
every key is None nothing could be told (no Python, no sandbox): group by the text of the programs.

The inputs are the examples of the question, the asserts that the candidates wrote, and, where
these are few, a small pool by the types of the parameters. Measured on published samples
(HumanEval, 9 answers): one answer 21.9 %, groups by text 19.9 %, by behaviour without stubs and
crashes 32.9 %, soft functional vote 32.3 %.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from .examples import Example, in_programs, in_question
from .pool import inputs
from .programs import Program, entry_of, program_of
from .score import Behaviours, Observed, judge

__all__ = ["Behaviours", "Runner", "behave", "plan", "study"]

# Runs the source of a program where it can do no harm: what it printed, None when it failed.
Runner = Callable[[str], Awaitable[str | None]]

_ENOUGH = 6  # examples beyond which the pool is not asked
_MOST = 32
_AT_ONCE = 2
_SECONDS, _EACH_S = 6.0, 1.0  # for all inputs of one program, for one of them

_harness = ""


async def behave(question: str, answers: Sequence[str], runner: Runner) -> list[str | None]:
    """One key an answer, equal where the programs in them behave alike; None abstains.

    Never raises (a cancelled task excepted).
    """
    return list((await study(question, answers, runner)).keys)


async def study(question: str, answers: Sequence[str], runner: Runner) -> Behaviours:
    """Keys, scores and examples met of every answer. Never raises (cancelling excepted)."""
    try:
        return await _study(question, answers, runner)
    except Exception:  # an answer can be anything; a vote by text is still possible
        none = len(answers)
        return Behaviours((None,) * none, (0.0,) * none, (0,) * none, 0)


async def _study(question: str, answers: Sequence[str], runner: Runner) -> Behaviours:
    found, entry, examples, own = await asyncio.to_thread(_prepare, question, answers)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def run(source: str) -> Observed | None:
        async with gate:
            return await _observe(source, entry, examples, runner)

    sources = list(dict.fromkeys(each.source for each in found if each)) if examples else []
    done = dict(zip(sources, await asyncio.gather(*map(run, sources)), strict=True))
    observed = [done.get(program.source) if program else None for program in found]
    return judge(examples, own, observed)


def _prepare(
    question: str, answers: Sequence[str]
) -> tuple[list[Program | None], str, list[Example], int]:
    found = [program_of(answer) for answer in answers]
    programs = [program for program in found if program]
    entry = entry_of(question, programs)
    return found, entry, *plan(question, programs, entry)


def plan(question: str, programs: Sequence[Program], entry: str) -> tuple[list[Example], int]:
    """On what to run the programs, and how many of these examples are the question's own."""
    names = {name for program in programs for name in program.names}
    asked = in_question(question, names, entry)
    examples = {each.expression: each for each in asked}
    for each in in_programs([program.tree for program in programs], names):
        examples.setdefault(each.expression, each)
    if len(examples) < _ENOUGH:
        for call in inputs(question, programs, entry):
            examples.setdefault(call, Example(call))
    return list(examples.values())[:_MOST], min(len(asked), _MOST)


async def _observe(
    source: str, entry: str, examples: Sequence[Example], runner: Runner
) -> Observed | None:
    global _harness
    if not _harness:
        path = Path(__file__).with_name("harness.py")
        _harness = await asyncio.to_thread(path.read_text, encoding="utf-8")
    frame = secrets.token_hex(16)
    task = {
        "code": source,
        "entry": entry,
        "expressions": [each.expression for each in examples],
        "frame": frame,
        "seconds": _SECONDS,
        "each": _EACH_S,
    }
    future = "from __future__ import annotations\n"
    told = f"import json\nTASK = json.loads({json.dumps(task)!r})\n"
    printed = await runner(_harness.replace(future, future + told, 1))
    if not printed or not printed.startswith(frame):
        return None
    observed = json.loads(printed.removeprefix(frame))
    if any(kind == "broken" for kind, _ in observed):
        return None
    return [(kind, shown) for kind, shown in observed]
