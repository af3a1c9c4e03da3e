"""Word problems that compare, add up or share out what several people have."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import Sample, ask, number, people, person


def answered(lines: list[str], question: str) -> Sample:
    """The written steps and their last value as the answer."""
    total = lines[-1].rpartition("= ")[2]
    reply = "\n".join(lines) + f"\nAnswer: {total}"
    return ask("word", question, reply, steps=len(lines), big=False)


def chain(start: int, deltas: list[int]) -> list[str]:
    """The written steps of gains and losses."""
    lines = []
    for d in deltas:
        lines.append(f"{start} {'-' if d < 0 else '+'} {abs(d)} = {start + d}")
        start += d
    return lines


def together(r: Random) -> Sample:
    """Two or three owners, all their things added."""
    names, thing = people(r, r.choice([2, 2, 3])), r.choice(words.THINGS)
    counts = [number(r, r.random() < 0.4) for _ in names]
    text = f"{names[0]} has {counts[0]} {thing}"
    rest = [
        f"{n} has {c}{r.choice(['', f' {thing}'])}"
        for n, c in zip(names[1:], counts[1:], strict=True)
    ]
    if r.random() < 0.5:
        text = ". ".join([text, *rest]) + "."
    else:
        text = ", ".join([text, *rest[:-1]]) + f" and {rest[-1]}."
    end = r.choice(["together", "in total", "altogether", "in all", "combined"])
    question = r.choice(
        [f"How many {thing} do they have {end}?", f"How many {thing} are there {end}?"]
    )
    return answered(chain(counts[0], counts[1:]), f"{text} {question}")


def colours(r: Random) -> Sample:
    """Kinds of one thing in one place."""
    kinds = r.sample(words.COLOURS, r.choice([2, 2, 3]))
    thing, counts = r.choice(words.THINGS), [number(r, r.random() < 0.3) for _ in kinds]
    parts = [
        f"{c} {k} {thing}" if r.random() < 0.6 else f"{c} {k} ones"
        for c, k in zip(counts[1:], kinds[1:], strict=True)
    ]
    first = f"{counts[0]} {kinds[0]} {thing}"
    where = r.choice([f"in a {r.choice(words.HOLDER)}", "on the table", "here", "in the bag"])
    text = ", ".join([first, *parts[:-1]]) + f" and {parts[-1]}"
    name = person(r)[0]
    lead = r.choice([f"There are {text} {where}.", f"{name} has {text}.", f"A box has {text}."])
    end = r.choice(["in total", "altogether", "in all", "are there"])
    ask_for = (
        f"How many {thing} are there?"
        if end == "are there"
        else f"How many {thing} are there {end}?"
    )
    return answered(chain(counts[0], counts[1:]), f"{lead} {ask_for}")


def more_than(r: Random) -> Sample:
    """The second owner is told by the first."""
    (a, b), thing = people(r, 2), r.choice(words.THINGS)
    first, diff = number(r, r.random() < 0.4, 4), number(r, False)
    fewer = r.random() < 0.45
    diff = min(diff, first - 1) if fewer else diff
    word = r.choice(["fewer", "less"]) if fewer else "more"
    lines = chain(first, [-diff if fewer else diff])
    than = r.choice([f"than {a}", f"{thing} than {a}"])
    text = f"{a} has {first} {thing}. {b} has {diff} {word} {than}."
    if r.random() < 0.6:
        return answered(lines, f"{text} How many {thing} does {b} have?")
    other = first + (-diff if fewer else diff)
    lines += chain(first, [other])
    return answered(
        lines, f"{text} How many {thing} do they have {r.choice(['together', 'in total'])}?"
    )


def difference(r: Random) -> Sample:
    """How many more, how many missing, how many gone."""
    (a, b), thing = people(r, 2), r.choice(words.THINGS)
    big = number(r, r.random() < 0.4, 4)
    small = r.randint(1, big - 1)
    text = r.choice(
        [
            f"{a} has {big} {thing} and {b} has {small}. "
            f"How many more {thing} does {a} have than {b}?",
            f"{a} has {big} {thing}. {b} has {small} {thing}. How many more does {a} have?",
            f"{a} has {small} {thing}. {b} has {big} {thing}. "
            f"How many fewer does {a} have than {b}?",
            f"{a} has {small} {thing} and needs {big}. How many more {thing} does {a} need?",
            f"{a} needs {big} {thing} but has only {small}. How many are missing?",
            f"{a} had {big} {thing}. Now {a} has {small}. How many {thing} did {a} lose?",
            f"{a} had {big} {thing} and gave some to {b}. Now {a} has {small} left. "
            f"How many {thing} did {b} get?",
            f"Of {big} {thing}, {small} are {r.choice(words.COLOURS)}. How many are not?",
        ]
    )
    return answered(chain(big, [-small]), text)


def sharing(r: Random) -> Sample:
    """Equal parts."""
    (name, _), thing = person(r), r.choice(words.THINGS)
    d, each = r.randint(2, 10), r.randint(1, 12)
    n = d * each
    text = r.choice(
        [
            f"{name} shares {n} {thing} equally among {d} friends. How many does each friend get?",
            f"{n} {thing} are shared equally by {d} children. "
            f"How many {thing} does each child get?",
            f"{name} has {n} {thing} and puts them into {d} {r.choice(words.HOLDERS)} equally. "
            f"How many {thing} are in each?",
            f"{name} divides {n} {thing} into {d} equal parts. How many {thing} are in each part?",
            f"{name} has {n} {thing}. {d} friends share them equally. How many does each one get?",
        ]
    )
    return answered([f"{n} / {d} = {each}"], text)


def scaled(r: Random) -> Sample:
    """Double, half, twice as many."""
    (a, b), thing = people(r, 2), r.choice(words.THINGS)
    n = r.randint(2, 60)
    if r.random() < 0.6:
        text = r.choice(
            [
                f"{a} has {n} {thing}. {b} has twice as many. How many {thing} does {b} have?",
                f"{a} has {n} {thing} and doubles them. How many {thing} does {a} have now?",
                f"What is double {n}?",
                f"What is twice {n}?",
            ]
        )
        return answered([f"{n} * 2 = {n * 2}"], text)
    text = r.choice(
        [
            f"{a} has {n * 2} {thing}. {b} has half as many. How many {thing} does {b} have?",
            f"{a} has {n * 2} {thing} and gives half of them to {b}. How many {thing} are left?",
            f"What is half of {n * 2}?",
        ]
    )
    return answered([f"{n * 2} / 2 = {n}"], text)
