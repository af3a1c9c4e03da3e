"""Lists of numbers or words: count, first, last, min, max, sum, reverse, sort, in steps."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import Sample, ask, joined, letters

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


def list_task(r: Random) -> Sample:
    """One task on one list."""
    kind = r.choice(["sort", "sort", "sort", "down", *ASKS])
    return of_kind(r, kind)


def of_kind(r: Random, kind: str) -> Sample:
    """One task of a kind that `ASKS` names."""
    size, top = r.randint(3, 6), r.choice([20, 99, 99])
    items: list[int] | list[str] = r.sample(range(top + 1), size)
    if kind in ("reverse", "count", "first", "last") and r.random() < 0.5:
        items = [r.choice(words.WORDS) if r.random() < 0.9 else letters(r) for _ in range(size)]
    if kind == "sum":
        items = [r.randint(1, 60) for _ in range(r.randint(3, 5))]
    lines, answer = STEPS.get(kind, _plain)(items, kind)
    shown = joined(items)
    if r.random() < 0.15:
        shown = f"[{shown}]"
    elif r.random() < 0.1:
        shown = shown.replace(",", "")
    text = r.choice(ASKS[kind]).format(shown)
    return ask("lists", text, "\n".join([*lines, f"Answer: {answer}"]), kind=kind)


def _plain(items: list, kind: str) -> tuple[list[str], str]:
    if kind == "reverse":
        return [], joined(items[::-1])
    return [], str(items[0] if kind == "first" else items[-1])


def _sort(items: list, kind: str) -> tuple[list[str], str]:
    left, lines, done = list(items), [], []
    pick = min if kind == "sort" else max
    while len(left) > 1:
        best = pick(left)
        lines.append(f"{joined(left)}: {best}")
        left.remove(best)
        done.append(best)
    return lines, joined(done + left)


def _extreme(items: list, kind: str) -> tuple[list[str], str]:
    pick, best, lines = (max if kind == "max" else min), items[0], []
    for other in items[1:]:
        lines.append(f"{best}, {other}: {pick(best, other)}")
        best = pick(best, other)
    return lines, str(best)


def _count(items: list, kind: str) -> tuple[list[str], str]:
    return [f"{i}: {item}" for i, item in enumerate(items, 1)], str(len(items))


def _sum(items: list, kind: str) -> tuple[list[str], str]:
    total, lines = items[0], []
    for other in items[1:]:
        lines.append(f"{total} + {other} = {total + other}")
        total += other
    return lines, str(total)


STEPS = {
    "sort": _sort,
    "down": _sort,
    "max": _extreme,
    "min": _extreme,
    "count": _count,
    "sum": _sum,
}
