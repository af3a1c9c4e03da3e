"""Lists of numbers or words: count, first, last, min, max, sum, reverse, sort, in steps."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from .. import words
from ..sample import Sample, ask, joined, letters

Items = list[Any]
"""Numbers or words."""

ASKS = {
    "sort": (
        "Sort these numbers from small to large: {}",
        "Sort this list: {}",
        "Sort {}",
        "Put these numbers in ascending order: {}",
        "Sort the numbers {}",
    ),
    "down": (
        "Sort these numbers from large to small: {}",
        "Sort {} in descending order.",
        "Put these numbers in descending order: {}",
    ),
    "reverse": ("Reverse this list: {}", "Write this list backwards: {}", "Reverse the list {}"),
    "max": (
        "What is the largest number in {}?",
        "Find the maximum of {}",
        "Largest of {}?",
        "Which of these is the largest: {}",
        "What is the biggest number in {}?",
    ),
    "min": (
        "What is the smallest number in {}?",
        "Find the minimum of {}",
        "Smallest of {}?",
        "Which of these is the smallest: {}",
    ),
    "count": (
        "How many items are in this list: {}",
        "Count the items: {}",
        "How long is {}?",
        "How many items does the list {} have?",
    ),
    "sum": ("What is the sum of {}?", "Add up these numbers: {}", "Add {}", "Sum of {}?"),
    "first": ("What is the first item in {}?", "What comes first in {}?", "First of {}?"),
    "last": ("What is the last item in {}?", "What comes last in {}?", "Last of {}?"),
}


WEIGHTS = {
    "sort": 4.0,
    "down": 2.0,
    "reverse": 1.5,
    "max": 1.0,
    "min": 1.0,
    "count": 1.0,
    "sum": 1.0,
    "first": 0.75,
    "last": 0.75,
}
PAIRS = {
    "max": ("Which is bigger, {} or {}?", "Which is larger, {} or {}?", "Is {} or {} bigger?"),
    "min": ("Which is smaller, {} or {}?", "Which is less, {} or {}?", "Is {} or {} smaller?"),
}


def list_task(r: Random) -> Sample:
    """One task on one list."""
    return of_kind(r, r.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])


def of_kind(r: Random, kind: str) -> Sample:
    """One task of a kind that `ASKS` names."""
    pair = kind in PAIRS and r.random() < 0.3
    size, top = 2 if pair else r.randint(3, 6), r.choice([20, 99, 99])
    items: list[int] | list[str] = r.sample(range(top + 1), size)
    if kind in ("reverse", "count", "first", "last") and r.random() < 0.5:
        items = [r.choice(words.WORDS) if r.random() < 0.95 else letters(r) for _ in range(size)]
    if kind == "sum":
        items = [r.randint(1, 60) for _ in range(r.randint(3, 5))]
    lines, answer = STEPS[kind](items)
    if pair:
        text = r.choice(PAIRS[kind]).format(*items)
    else:
        shown = joined(items)
        if r.random() < 0.15:
            shown = f"[{shown}]"
        elif r.random() < 0.1:
            shown = shown.replace(",", "")
        text = r.choice(ASKS[kind]).format(shown)
    return ask("lists", text, "\n".join([*lines, f"Answer: {answer}"]), kind=kind)


def tens(items: list[int], down: bool = False) -> list[str]:
    """The items in order, a line for each ten: small steps that a small model can take."""
    groups: dict[int, list[int]] = {}
    for item in sorted(items, reverse=down):
        groups.setdefault(item // 10 * 10, []).append(item)
    return [f"{ten}s: {joined(group)}" for ten, group in groups.items()]


def numbered(items: Items) -> list[str]:
    """Each item behind its number."""
    return [f"{i}: {item}" for i, item in enumerate(items, 1)]


def _chain(items: Items) -> tuple[list[str], str]:
    total, lines = items[0], []
    for other in items[1:]:
        lines.append(f"{total} + {other} = {total + other}")
        total += other
    return lines, str(total)


STEPS: dict[str, Callable[[Items], tuple[list[str], str]]] = {
    "sort": lambda items: (tens(items), joined(sorted(items))),
    "down": lambda items: (tens(items, True), joined(sorted(items, reverse=True))),
    "max": lambda items: (tens(items, True)[:1], str(max(items))),
    "min": lambda items: (tens(items)[:1], str(min(items))),
    "reverse": lambda items: (numbered(items) + numbered(items)[::-1], joined(items[::-1])),
    "count": lambda items: (numbered(items), str(len(items))),
    "sum": _chain,
    "first": lambda items: ([], str(items[0])),
    "last": lambda items: ([], str(items[-1])),
}
