"""The tables of the model card, and the card from its text, the results and the verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import paths
from .measure import Share

FLOORS = {
    "tool call": 0.95,
    "answer from result": 0.95,
    "word: up to 3 steps": 0.90,
    "facts": 0.80,
    "choices": 0.85,
    "json": 0.95,
    "python": 0.95,
    "talk": 1.0,
    "lists": 0.85,
}
LABELS = {
    "sum": "bare sums, 1 to 3 operations",
    "word: up to 3 steps": "word problems, up to 3 steps",
    "word: 1 steps": "word problems, 1 step",
    "word: 2 steps": "word problems, 2 steps",
    "word: 3 steps": "word problems, 3 steps",
    "word: 4 steps": "word problems, 4 steps",
    "word: 5 steps": "word problems, 5 steps",
    "talk": "small talk and identity",
    "other": "says kindly that it cannot",
    "tool call": "tool call: exact, all arguments",
    "tool call: right tool": "tool call: the right tool",
    "tool call: read_file": "exact `read_file`",
    "tool call: write_file": "exact `write_file`",
    "tool call: edit_file": "exact `edit_file`",
    "tool call: list_files": "exact `list_files`",
    "tool call: search_files": "exact `search_files`",
    "tool call: execute_bash": "exact `execute_bash`",
    "answer from result": "answer from a tool's result",
    "no tool fits": "says that no tool fits",
    "tools listed, none needed": "tools listed, none needed (all families)",
    "json": "JSON by instruction",
    "python": "one-line Python",
    "facts": "facts from the prompt",
    "facts: 1 hops": "facts, one hop",
    "facts: 2 hops": "facts, two hops",
    "choices": "choices A to D",
    "choices: sum": "choices: a sum",
    "choices: largest": "choices: the largest",
    "choices: smallest": "choices: the smallest",
    "choices: kind": "choices: what is a fruit, a tool ...",
    "choices: fact": "choices: from told facts",
    "lists": "lists, all kinds",
    "lists: first": "lists: first item",
    "lists: last": "lists: last item",
    "lists: count": "lists: count",
    "lists: sum": "lists: sum",
    "lists: min": "lists: smallest",
    "lists: max": "lists: largest",
    "lists: sort": "lists: sort upwards",
    "lists: down": "lists: sort downwards",
    "lists: reverse": "lists: reverse",
}


def card() -> None:
    """Writes the model card into the docs: `card.md` with its marks filled in."""
    found, mini = (_read(paths.results(size)) for size in ("demo", "mini"))
    facts, mini_facts = (_read(paths.manifest(size)) for size in ("demo", "mini"))
    verdicts = (paths.HERE / "verdicts.txt").read_text().splitlines()
    steps = found["votes"]["steps"]
    page = (paths.HERE / "card.md").read_text()
    for mark, value in {
        "megabytes": _megabytes("demo"),
        "mini megabytes": _megabytes("mini"),
        "tokens": f"{facts['tokens'] / 1e6:.1f}",
        "steps": f"{facts['steps']:,}",
        "mini tokens": f"{mini_facts['tokens'] / 1e6:.1f}",
        "mini steps": f"{mini_facts['steps']:,}",
        "count": found["count"],
        "accuracy": "\n".join(accuracy_table(found)),
        "missed": ", ".join(LABELS[name] for name in FLOORS if _missed(found, name)) or "none",
        "parity": parity_line(found["parity"]),
        "mini": "\n".join(mini_table(mini)),
        "rungs": rungs(found["votes"]),
        "chosen": "One step" if steps == 1 else f"{steps} steps",
        "votes": "\n".join(vote_table(found["votes"])),
        "questions": "\n".join(question_table(found["questions"], verdicts)),
    }.items():
        page = page.replace("{" + mark + "}", str(value))
    paths.CARD.write_text(page)


def tables(found: dict[str, Any]) -> list[str]:
    """What `check` prints."""
    lines = [parity_line(found["parity"]), ""] if "parity" in found else []
    lines += accuracy_table(found)
    if "votes" in found:
        votes = found["votes"]
        lines += ["", f"one sample by steps: {rungs(votes)}; chosen: {votes['steps']}", ""]
        lines += vote_table(votes)
    for question, answer in found.get("questions", []):
        lines += ["", f"> {question}", answer]
    return lines


def accuracy_table(found: dict[str, Any]) -> list[str]:
    """A row for each family and kind, with its floor where it has one."""
    lines = [
        "| held-out prompts | right | 95 % interval | prompts | floor wanted |",
        "|---|---|---|---|---|",
    ]
    for name, label in LABELS.items():
        if name in found["accuracy"]:
            floor = f"{FLOORS[name]:.2f}" if name in FLOORS else ""
            floor += " **missed**" if _missed(found, name) else ""
            lines.append(f"| {label} | {_cells(found['accuracy'][name])} | {floor} |")
    return lines


def mini_table(found: dict[str, Any]) -> list[str]:
    """The families of the small sibling, without floors."""
    lines = ["| held-out prompts | right | 95 % interval | prompts |", "|---|---|---|---|"]
    names = [name for name in LABELS if name in FLOORS or name in ("sum", "other")]
    return lines + [f"| {LABELS[name]} | {_cells(found['accuracy'][name])} |" for name in names]


def vote_table(votes: dict[str, Any]) -> list[str]:
    """Greedy and votes, one row each."""
    lines = ["| | right | 95 % interval | prompts |", "|---|---|---|---|"]
    lines.append(f"| one *greedy* answer | {_cells(votes['greedy'])} |")
    for size, share in votes["votes"].items():
        label = "one sample, T = 0.8" if int(size) == 1 else f"vote of {size}"
        lines.append(f"| {label} | {_cells(share)} |")
    return lines


def rungs(votes: dict[str, Any]) -> str:
    """How often one sample is right by number of steps."""
    return ", ".join(f"{steps}: {rate:.0%}" for steps, rate in votes["rates"].items())


def question_table(answers: list[list[str]], verdicts: list[str]) -> list[str]:
    """The questions by hand, their answers and what a person thought of them."""
    lines = ["| question | answer | verdict |", "|---|---|---|"]
    for (question, answer), verdict in zip(answers, verdicts, strict=True):
        shown = answer.replace("\n", "<br>").replace("|", "\\|").replace("*", "\\*")
        lines.append(f"| {question} | {shown} | {verdict} |")
    return lines


def parity_line(parity: dict[str, Any]) -> str:
    """The engine against PyTorch in one line."""
    return "Engine against PyTorch: " + ", ".join(f"{k} {v}" for k, v in parity.items()) + "."


def _missed(found: dict[str, Any], name: str) -> bool:
    right, count = found["accuracy"][name]
    return name in FLOORS and bool(right / count < FLOORS[name])


def _cells(share: list[float]) -> str:
    it = Share(share[0], int(share[1]))
    low, high = it.interval
    return f"{it.rate:.1%} | {low:.1%} to {high:.1%} | {it.count}"


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _megabytes(size: str) -> str:
    return f"{paths.shipped(size).stat().st_size / 1e6:.1f}"
