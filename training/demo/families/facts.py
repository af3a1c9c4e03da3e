"""Questions about a small world that the prompt tells, and choices A to D."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import Sample, ask, number, people
from .lists import tens

RELATIONS = {
    "city": (
        words.CITIES,
        "{p} lives in {v}.",
        ("Where does {p} live?", "In which city does {p} live?"),
        ("Who lives in {v}?", "Which person lives in {v}?"),
    ),
    "pet": (
        words.PETS,
        "{p} has a {v}.",
        ("What pet does {p} have?", "Which animal does {p} have?"),
        ("Who has a {v}?", "Who has the {v}?", "Who owns the {v}?"),
    ),
    "food": (
        words.FOODS,
        "{p} likes {v}.",
        ("What does {p} like?", "Which food does {p} like?"),
        ("Who likes {v}?",),
    ),
    "job": (
        words.JOBS,
        "{p} is a {v}.",
        ("What is the job of {p}?", "What does {p} do?"),
        ("Who is the {v}?", "Who works as a {v}?", "Who is a {v}?"),
    ),
    "colour": (
        words.COLOURS[:13],
        "{p} has a {v} car.",
        ("What colour is the car of {p}?", "Which colour is the car of {p}?"),
        ("Who has the {v} car?", "Who drives the {v} car?"),
    ),
}
JOINS = {
    ("city", "pet"): "Which pet lives in {v}?",
    ("pet", "city"): "In which city is the {v}?",
    ("city", "job"): "What is the job of the person in {v}?",
    ("job", "city"): "Where does the {v} live?",
    ("job", "pet"): "Which pet does the {v} have?",
    ("job", "food"): "What does the {v} like?",
    ("pet", "food"): "What does the owner of the {v} like?",
    ("food", "city"): "Where does the one who likes {v} live?",
}


def world(r: Random) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Names, each relation's values by person, and the told facts in random order."""
    count = r.randint(2, 4)
    names = people(r, count)
    kinds = r.sample(list(RELATIONS), r.choice([1, 1, 1, 2]) if count > 2 else r.choice([1, 2]))
    values = {k: r.sample(RELATIONS[k][0], count) for k in kinds}
    told = [
        RELATIONS[k][1].format(p=p, v=v)
        for k in kinds
        for p, v in zip(names, values[k], strict=True)
    ]
    if r.random() < 0.7:
        r.shuffle(told)
    return names, values, told


def fact(r: Random) -> Sample:
    """One question of one or two hops."""
    names, values, told = world(r)
    i, kinds = r.randrange(len(names)), list(values)
    r.shuffle(kinds)
    if len(kinds) == 2 and tuple(kinds) in JOINS and r.random() < 0.7:
        a, b = kinds
        question = JOINS[a, b].format(v=values[a][i])
        lines = [RELATIONS[k][1].format(p=names[i], v=values[k][i]) for k in kinds]
        answer, hops = values[b][i], 2
    else:
        kind = kinds[0]
        ask_value = r.random() < 0.5
        question = r.choice(RELATIONS[kind][2 if ask_value else 3])
        question = question.format(p=names[i], v=values[kind][i])
        lines = [RELATIONS[kind][1].format(p=names[i], v=values[kind][i])]
        answer, hops = (values[kind][i] if ask_value else names[i]), 1
    glue = r.choice([" ", " ", "\n"])
    text = f"{glue.join(told)}{glue}{question}"
    return ask("facts", text, "\n".join([*lines, f"Answer: {answer}"]), hops=hops)


def choice(r: Random) -> Sample:
    """A question with four options; the answer is a letter."""
    kind = r.choice(["sum", "sum", "largest", "smallest", "kind", "fact", "fact"])
    if kind == "sum":
        a, b = number(r, False), number(r, False)
        right, line, question = str(a + b), f"{a} + {b} = {a + b}", f"What is {a} + {b}?"
        if r.random() < 0.4 and a > b:
            right, line, question = str(a - b), f"{a} - {b} = {a - b}", f"What is {a} - {b}?"
        wrong = {str(max(0, int(right) + d)) for d in (-10, -2, -1, 1, 2, 3, 10)} - {right}
        others = r.sample(sorted(wrong), 3)
    elif kind in ("largest", "smallest"):
        four = r.sample(range(100), 4)
        best = max(four) if kind == "largest" else min(four)
        right, line = str(best), tens(four, kind == "largest")[0]
        question = r.choice([f"Which number is the {kind}?", f"Which one is the {kind}?"])
        others = [str(n) for n in four if n != best]
    elif kind == "kind":
        name = r.choice(list(words.KINDS))
        right = r.choice(words.KINDS[name])
        pool = [w for k, v in words.KINDS.items() if k != name for w in v]
        others = r.sample([w for w in pool if w not in words.KINDS[name]], 3)
        line = f"{name}: {right}"
        question = r.choice([f"Which of these is {name}?", f"Which one is {name}?"])
    else:
        made = fact(r)
        right, line = str(made.answer), made.turns[-1][1].rpartition("\nAnswer")[0]
        question = made.key
        same = next(v for v in [*_pools(), words.HE + words.SHE] if right in v or v[0] in words.HE)
        others = r.sample([w for w in same if w != right], 3)
    options = [right, *others]
    r.shuffle(options)
    letter = "ABCD"[options.index(right)]
    form = r.choice(["{}) {}", "{}) {}", "{}) {}", "{}. {}", "({}) {}", "{}: {}"])
    line += f"\n{right} is {letter}."
    glue = r.choice(["\n", "\n", " "])
    listed = glue.join(form.format(k, v) for k, v in zip("ABCD", options, strict=True))
    tail = r.choice(["", "", "\nAnswer with the letter."])
    return ask("choices", f"{question}{glue}{listed}{tail}", f"{line}\nAnswer: {letter}", kind=kind)


def _pools() -> list[list[str]]:
    return [list(RELATIONS[k][0]) for k in RELATIONS]
