"""Bare sums, one to three operations, in written steps."""

from __future__ import annotations

from random import Random

from ..sample import Sample, ask

ASKS = (
    "What is {}?",
    "What is {}?",
    "Compute {}.",
    "{} = ?",
    "Calculate {}",
    "{}",
    "{}",
    "{}=",
    "How much is {}?",
    "what is {}",
    "Solve {}",
    "Work out {}.",
    "Can you compute {}?",
    "{} =",
    "What's {}?",
    "Tell me what {} is.",
    "Please calculate {}.",
    "Evaluate {}.",
    "{}?",
)
SPOKEN = {
    "+": (
        "What is {a} plus {b}?",
        "Add {a} and {b}.",
        "What is the sum of {a} and {b}?",
        "{a} plus {b}",
        "Add {b} to {a}.",
    ),
    "-": (
        "What is {a} minus {b}?",
        "Subtract {b} from {a}.",
        "Take {b} away from {a}.",
        "{a} minus {b}",
        "What is the difference of {a} and {b}?",
    ),
    "*": (
        "What is {a} times {b}?",
        "Multiply {a} by {b}.",
        "{a} times {b}",
        "What is the product of {a} and {b}?",
    ),
    "/": ("What is {a} divided by {b}?", "Divide {a} by {b}.", "{a} divided by {b}"),
}


def operand(r: Random) -> int:
    """Mostly below 100, at times below 200 or 1,000; small numbers come often."""
    x = r.random()
    return r.randint(0, 12 if x < 0.2 else 30 if x < 0.4 else 99 if x < 0.8 else 199)


def pair(r: Random) -> tuple[int, str, int, int]:
    """One operation and its value."""
    op = r.choices("+-*/", [0.42, 0.34, 0.17, 0.07])[0]
    if op == "*":
        a, b = r.randint(0, 12), r.randint(0, 12)
        if r.random() < 0.05:
            a = r.randint(10, 60)
        return a, op, b, a * b
    if op == "/":
        b, q = r.randint(1, 12), r.randint(1, 12)
        return b * q, op, b, q
    a, b = operand(r), operand(r)
    if r.random() < 0.01:
        a = r.randint(200, 999)
    if op == "-":
        a, b = max(a, b), min(a, b)
        return a, op, b, a - b
    return a, op, b, a + b


def bare_sum(r: Random) -> Sample:
    """One question."""
    a, op, b, value = pair(r)
    lines = [f"{a} {op} {b} = {value}"]
    if r.random() < 0.3:
        text = r.choice(SPOKEN[op]).format(a=a, b=b)
        return ask("sum", text, f"{lines[0]}\nAnswer: {value}", steps=1)
    shown = f"{a} {op} {b}"
    for _ in range(r.choices([0, 1, 2], [0.6, 0.28, 0.12])[0]):
        n = operand(r)
        minus = r.random() < 0.5 and value > 0
        n = min(n, r.randint(0, value)) if minus else n
        sign = "-" if minus else "+"
        shown += f" {sign} {n}"
        after = value - n if minus else value + n
        lines.append(f"{value} {sign} {n} = {after}")
        value = after
    if r.random() < 0.15:
        shown = shown.replace(" ", "")
    elif r.random() < 0.06:
        shown = shown.replace("*", "x")
    text = r.choice(ASKS).format(shown)
    return ask("sum", text, "\n".join(lines) + f"\nAnswer: {value}", steps=len(lines))
