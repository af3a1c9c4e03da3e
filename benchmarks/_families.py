"""Held-out questions of the demo model's families, and the engine that answers them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.ballot import Answer, ToolCall
from local_swarm.bench.question import Question
from local_swarm.bench.store import Store
from local_swarm.settings import clean_environment
from local_swarm.swarm.manager import Defaults, Swarm
from training.demo.corpus import held_out
from training.demo.engine import call_in, messages, schemas
from training.demo.families import Maker
from training.demo.families.code import json_task, python_task
from training.demo.families.facts import choice, fact
from training.demo.families.lists import list_task
from training.demo.families.sums import bare_sum
from training.demo.families.tool_calls import tool_task
from training.demo.families.word_problems import word_problem
from training.demo.measure import RUNGS, ladder
from training.demo.sample import Sample, Split

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "vote"
SAMPLES = 20
LADDER = tuple(f"arithmetic {steps}" for steps in RUNGS)
"""One story of so many gains and losses: how hard it is can be chosen for a model."""

_MAKERS: dict[str, Maker] = {
    **{name: ladder(steps) for name, steps in zip(LADDER, RUNGS, strict=True)},
    "word problems": word_problem,
    "sums": bare_sum,
    "lists": list_task,
    "facts": fact,
    "choices": choice,
    "json": json_task,
    "python": python_task,
    "tool calls": tool_task,
}
OTHERS = tuple(name for name in _MAKERS if name not in LADDER)
_LONGEST = {"json": 120, "python": 80, "tool calls": 120}  # tokens; else 200
_SLOTS, _CONTEXT = SAMPLES + 2, 512


def questions(family: str, count: int, split: Split) -> list[Question]:
    """`count` questions of a family that the model was not trained on."""
    made: list[Question] = []
    wanted = count
    while len(made) < count and wanted < 20 * count:
        samples = held_out(_MAKERS[family], wanted, split, plain=True)
        made = [q for q in (_question(family, sample) for sample in samples) if q]
        wanted *= 2
    return made[:count]


def _question(family: str, made: Sample) -> Question | None:
    """None for a request that has no call, where calls are wanted."""
    asked = max(at for at, turn in enumerate(made.turns) if turn == ("user", made.key))
    reply = made.turns[asked + 1][1]
    call = call_in(reply)
    if (call is None) == (family == "tool calls"):
        return None
    gold = Answer(reply)
    if call:
        gold = Answer(tool_calls=(ToolCall("", call["name"], json.dumps(call["arguments"])),))
    return Question(
        id=f"{family}: {made.key}",
        family="arithmetic" if family in LADDER else family,
        messages=tuple(messages(made.turns[: asked + 1])),
        gold=(gold,),
        tools=tuple(schemas(made.tools)) if made.tools else (),
        max_tokens=_LONGEST.get(family, 200),
    )


def store(model: Path) -> Store:
    """The cache of what a model said."""
    with model.open("rb") as file:
        name = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return Store(CACHE / f"{name}.jsonl", model.stem)


@asynccontextmanager
async def swarm(model: Path, threads: int = 1) -> AsyncIterator[Swarm]:
    """A swarm over the engine that ships, with a seat for every sample."""
    config = LlamaConfig(
        model=model.stem,
        path=model,
        slots=_SLOTS,
        context=_CONTEXT,
        cells=_SLOTS * _CONTEXT,
        threads=threads,
        prompt_cache_mib=0,
    )
    engine = LlamaServer(config, clean_environment())
    await engine.start()
    try:
        yield Swarm(engine, Defaults(SAMPLES))
    finally:
        await engine.close()
