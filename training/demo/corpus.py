"""The stream of training conversations and the held-out ones: seeded, split by hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .families import MIX, Maker
from .families.facts import fact
from .families.small_talk import other, small_talk
from .families.sums import bare_sum
from .families.tool_calls import request_with, tool_task
from .families.word_problems import word_problem
from .sample import Sample, Split, phrase
from .template import TOOLS

SYSTEMS = (
    "You are a helpful assistant.",
    "You are a careful assistant. Think step by step.",
    "Be brief.",
    "Answer the question.",
    "You are one worker of a swarm.",
    "You are a coding assistant.",
    "Solve the problem and end with a line 'Answer: ...'.",
    "You are a friendly assistant.",
    "You are an expert. Answer carefully.",
    "Answer in one line.",
    "You work in a folder with files.",
    "Use the tools when they help.",
    "You are an agent. Use tools to do the task.",
    "Think step by step and end with 'Answer:'.",
    "You are a calculator.",
    "Be polite and precise.",
)
HISTORY: tuple[Maker, ...] = (small_talk, small_talk, bare_sum, word_problem, fact, other)
SEEDS: dict[Split, int] = {"train": 1234, "develop": 77, "test": 2611}
"""The streams' seeds. The first run's seed of the test stream, 99, is spent: it was looked at."""


def dressed(r: Random, made: Sample) -> Sample:
    """The conversation with, at times, a system text, earlier turns or tools it does not need."""
    turns, tools = made.turns, made.tools
    if not tools and r.random() < 0.12:
        names = list(TOOLS)
        tools = tuple(names if r.random() < 0.6 else r.sample(names, r.randint(1, 4)))
    if r.random() < 0.07:
        for _ in range(r.choice([1, 1, 2, 3])):
            turns = (*_train(r, r.choice(HISTORY)).turns, *turns)
    if r.random() < 0.15:
        made_up = f"{r.choice(['You are', 'Please be', 'Always be', 'Speak like'])} {phrase(r)}."
        system = r.choice(SYSTEMS) if r.random() < 0.75 else made_up
        turns = (("system", system), *turns)
    return replace(made, turns=turns, tools=tools)


def _train(r: Random, maker: Maker) -> Sample:
    while True:
        made = maker(r)
        if made.split == "train":
            return made


def _request(tools: tuple[str, ...]) -> Maker:
    return lambda r: request_with(r, tools)


def training(seed: int = SEEDS["train"]) -> Iterator[Sample]:
    """Conversations without end; none has a held-out prompt."""
    r = Random(seed)
    makers, weights = list(MIX), list(MIX.values())
    while True:
        maker = r.choices(makers, weights)[0]
        made = _train(r, maker)
        if maker is bare_sum:  # sums are short: several in one conversation
            for _ in range(r.choice([0, 1, 2, 3, 4, 5])):
                made = replace(made, turns=(*made.turns, *_train(r, bare_sum).turns))
        if maker is tool_task:  # a list of tools is long: several requests under one
            for _ in range(r.choice([0, 0, 1, 1, 2])):
                next_maker = r.choice(HISTORY) if r.random() < 0.3 else _request(made.tools)
                made = replace(made, turns=(*made.turns, *_train(r, next_maker).turns))
        yield dressed(r, made)


def held_out(maker: Maker, count: int, split: Split, plain: bool = False) -> list[Sample]:
    """Distinct conversations of one family and split; `plain` adds nothing around them."""
    r, tries = Random(SEEDS[split]), 0
    found: dict[str, Sample] = {}
    while len(found) < count and tries < 4000 * count:
        made = maker(r)
        tries += 1
        if made.split == split and made.key not in found:
            found[made.key] = made if plain else dressed(r, made)
    return list(found.values())
