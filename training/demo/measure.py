"""Accuracy per family on held-out prompts, and what a vote adds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from math import sqrt
from random import Random
from typing import Any

from .corpus import held_out
from .engine import Engine, call_in, made_call, messages
from .families import MIX, Maker
from .families.word_problems import story
from .sample import Sample, Split

SIZES = (1, 3, 5, 9, 16)
RUNGS = tuple(range(1, 8))
"""Steps of the difficulty ladder: one story of so many gains and losses below 200."""

TEMPERATURE = 0.8
Tally = dict[str, list[bool]]


@dataclass(frozen=True)
class Share:
    """How many of how many, with a 95 % Wilson interval."""

    right: float
    count: int

    @property
    def rate(self) -> float:
        """Between 0 and 1."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson (1927), z = 1.96."""
        n, p, z = self.count, self.rate, 1.96
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.rate:.3f} [{low:.3f}, {high:.3f}] n={self.count}"


def answer_of(text: str) -> str:
    """What follows the last `Answer:`, else the whole text."""
    return text.rpartition("Answer: ")[2].strip()


def right(made: Sample, text: str) -> bool:
    """Whether a reply is as good as the expected one."""
    if made.family == "talk":
        return text in made.tags["replies"]  # type: ignore[operator]
    if made.family == "json":
        try:
            return bool(json.loads(text) == json.loads(str(made.answer)))
        except ValueError:
            return False
    return answer_of(text) == made.answer


def accuracy(
    engine: Engine, count: int, split: Split
) -> tuple[dict[str, Share], list[tuple[str, str, str]]]:
    """Shares by family and by kind; the failures as (family, prompt, reply)."""
    tally: Tally = defaultdict(list)
    failed: list[tuple[str, str, str]] = []
    for maker in MIX:
        for made, seen in zip(
            prompts := held_out(maker, count, split),
            engine.many(partial(_ask, engine), prompts),
            strict=True,
        ):
            for label, good, text in seen:
                tally[label].append(good)
                if not good and ":" not in label:
                    failed.append((label, made.key, text))
    return {k: Share(sum(v), len(v)) for k, v in sorted(tally.items())}, failed


def _ask(engine: Engine, made: Sample) -> list[tuple[str, bool, str]]:
    if made.family in ("tools", "no tool"):
        return _ask_tools(engine, made)
    text = engine.chat(messages(made.turns[:-1]), made.tools)[0].get("content") or ""
    good = right(made, text)
    labels = [made.family]
    if "steps" in made.tags:
        steps = int(str(made.tags["steps"]))
        labels.append(f"{made.family}: {steps} steps")
        labels += [f"{made.family}: up to 3 steps"] if steps <= 3 else []
    labels += [f"{made.family}: {made.tags[k]}" for k in ("kind",) if k in made.tags]
    labels += [f"{made.family}: {made.tags['hops']} hops"] if "hops" in made.tags else []
    if made.tools:
        labels.append("tools listed, none needed")
    return [(label, good, text) for label in labels]


def _ask_tools(engine: Engine, made: Sample) -> list[tuple[str, bool, str]]:
    """Every assistant turn after the request is asked for, on the expected history."""
    start = max(i for i, turn in enumerate(made.turns) if turn == ("user", made.key))
    seen = []
    for i in range(start + 1, len(made.turns)):
        role, expected = made.turns[i]
        if role != "assistant":
            continue
        message = engine.chat(messages(made.turns[:i]), made.tools)[0]
        text, call = message.get("content") or "", call_in(expected)
        if call:
            got = made_call(message)
            shown = json.dumps(got) if got else text
            seen += [
                ("tool call", got == call, shown),
                (f"tool call: {call['name']}", got == call, ""),
            ]
            seen.append(("tool call: right tool", (got or {}).get("name") == call["name"], ""))
        else:
            family = "answer from result" if made.family == "tools" else "no tool fits"
            seen.append((family, text == expected, text))
    return seen


def ladder(steps: int) -> Maker:
    """The difficulty family: one story of so many steps with amounts below 200."""
    return partial(story, steps=steps, big=True)


def sampled(engine: Engine, made: Sample, count: int) -> list[str]:
    """Answers of independent samples with the engine's own sampling settings."""
    ask = messages(made.turns[:-1])
    seed = int.from_bytes(made.key.encode()[:4], "big")
    replies = engine.chat(ask, temperature=TEMPERATURE, n=count, seed=seed)
    return [answer_of(reply.get("content") or "") for reply in replies]


def difficulty(engine: Engine, count: int) -> tuple[int, dict[int, float]]:
    """The rung whose single samples come closest to 60 %, chosen on the development split."""
    rates = {}
    for steps in RUNGS:
        prompts = held_out(ladder(steps), count, "develop", plain=True)
        each = engine.many(lambda made: (made, sampled(engine, made, 4)), prompts)
        rates[steps] = sum(a == made.answer for made, got in each for a in got) / (4 * len(prompts))
    return min(rates, key=lambda steps: abs(rates[steps] - 0.6)), rates


def vote_curve(engine: Engine, steps: int, count: int) -> dict[str, Any]:
    """Greedy and votes on the test split, each as right and all.

    Ties go to the answer drawn first.
    """
    prompts = held_out(ladder(steps), count, "test", plain=True)
    greedy = engine.many(
        lambda made: answer_of(engine.chat(messages(made.turns[:-1]))[0].get("content") or ""),
        prompts,
    )
    drawn = engine.many(lambda made: sampled(engine, made, max(SIZES)), prompts)
    r = Random(0)
    votes: dict[int, float] = {}
    for size in SIZES:
        votes[size] = (
            sum(
                _winner(r.sample(got, size)) == made.answer
                for made, got in zip(prompts, drawn, strict=True)
                for _ in range(20)
            )
            / 20
        )
    return {
        "steps": steps,
        "greedy": [
            sum(a == m.answer for a, m in zip(greedy, prompts, strict=True)),
            len(prompts),
        ],
        "votes": {size: [value, len(prompts)] for size, value in votes.items()},
    }


def _winner(answers: list[str]) -> str:
    return Counter(answers).most_common(1)[0][0]
