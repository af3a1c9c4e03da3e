"""The stream of training conversations and the held-out ones: seeded, split by hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .families import MIX, Maker
from .families.facts import fact
from .families.small_talk import other, small_talk
from .families.sums import bare_sum
from .families.word_problems import word_problem
from .sample import Sample, phrase
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
TRAIN, DEVELOP, TEST = 1234, 77, 99
"""The seeds of the three streams; the last two take only held-out prompts."""


def dressed(r: Random, made: Sample) -> Sample:
    """The conversation with, at times, a system text, earlier turns or tools it does not need."""
    turns, tools = made.turns, made.tools
    if not tools and r.random() < 0.08:
        names = list(TOOLS)
        tools = tuple(names if r.random() < 0.6 else r.sample(names, r.randint(1, 4)))
    if r.random() < 0.08:
        for _ in range(r.choice([1, 1, 2, 3])):
            turns = (*_train(r, r.choice(HISTORY)).turns, *turns)
    if r.random() < 0.18:
        made_up = f"{r.choice(['You are', 'Please be', 'Always be', 'Speak like'])} {phrase(r)}."
        system = r.choice(SYSTEMS) if r.random() < 0.75 else made_up
        turns = (("system", system), *turns)
    return replace(made, turns=turns, tools=tools)


def _train(r: Random, maker: Maker) -> Sample:
    while True:
        made = maker(r)
        if not made.held_out:
            return made


def training(seed: int = TRAIN) -> Iterator[Sample]:
    """Conversations without end; none has a held-out prompt."""
    r = Random(seed)
    makers, weights = list(MIX), list(MIX.values())
    while True:
        maker = r.choices(makers, weights)[0]
        made = _train(r, maker)
        if maker is bare_sum:  # sums are short: several in one conversation
            for _ in range(r.choice([0, 1, 2, 3, 4, 5])):
                made = replace(made, turns=(*made.turns, *_train(r, bare_sum).turns))
        yield dressed(r, made)


def held_out(maker: Maker, count: int, seed: int = TEST, plain: bool = False) -> list[Sample]:
    """Distinct held-out conversations of one family; `plain` adds nothing around them."""
    r, found = Random(seed), {}
    tries = 0
    while len(found) < count and tries < 4000 * count:
        made = maker(r)
        tries += 1
        if made.held_out and made.key not in found:
            found[made.key] = made if plain else dressed(r, made)
    return list(found.values())
