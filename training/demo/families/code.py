# ruff: noqa: SIM905 - word lists read best as text
"""JSON by instruction and one-line Python functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from .. import words
from ..sample import Sample, ask, letters, person, phrase

FIELDS: dict[str, Callable[[Random], object]] = {
    "name": lambda r: person(r)[0],
    "age": lambda r: r.randint(1, 99),
    "city": lambda r: r.choice(words.CITIES),
    "pet": lambda r: r.choice(words.PETS),
    "food": lambda r: r.choice(words.FOODS),
    "job": lambda r: r.choice(words.JOBS),
    "colour": lambda r: r.choice(words.COLOURS),
    "count": lambda r: r.randint(0, 999),
    "title": lambda r: phrase(r, 1, 3),
    "id": lambda r: r.randint(1, 999),
    "price": lambda r: r.randint(1, 200),
    "item": lambda r: r.choice(words.THINGS),
    "done": lambda r: r.choice([True, False]),
}
JSON_ASKS = (
    "Write JSON with {}.",
    "Write a JSON object with {}.",
    "Give me JSON with {}.",
    "JSON with {}",
    "Make a JSON object with {}.",
    "Return only JSON: {}.",
    "Answer in JSON with {}.",
)


def json_task(r: Random) -> Sample:
    """An object from named values or from a sentence."""
    if r.random() < 0.3:
        name, age, city = person(r)[0], r.randint(1, 99), r.choice(words.CITIES)
        told = r.choice(
            [
                f"{name} is {age} years old and lives in {city}.",
                f"{name} lives in {city} and is {age}.",
                f"{name}, {age}, lives in {city}.",
            ]
        )
        value = {"name": name, "age": age, "city": city}
        if r.random() < 0.4:
            del value[r.choice(["age", "city"])]
        keys = list(value)
        listed = ", ".join(keys[:-1]) + f" and {keys[-1]}"
        text = told + r.choice(
            [
                f" Give the {listed} as JSON.",
                f" Return JSON with {listed}.",
                f" Write the {listed} as JSON.",
                f" Extract {listed} as JSON.",
            ]
        )
        return ask("json", text, json.dumps(value))
    keys = r.sample(list(FIELDS), r.choice([1, 2, 2, 3]))
    if r.random() < 0.2:
        keys[0] = letters(r)
    value = {k: FIELDS.get(k, FIELDS["count"])(r) for k in keys}
    form = r.choice(["{k} {v}", "{k} = {v}", "{k}: {v}", "{k} set to {v}"])
    parts = [
        form.format(k=k, v=str(v).lower() if v is True or v is False else v)
        for k, v in value.items()
    ]
    listed = ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]
    return ask("json", r.choice(JSON_ASKS).format(listed), json.dumps(value))


TWO = (
    ("adds {a} and {b}", "{a} + {b}", "add plus total"),
    ("returns the sum of {a} and {b}", "{a} + {b}", "add sum_two"),
    ("subtracts {b} from {a}", "{a} - {b}", "subtract minus"),
    ("multiplies {a} and {b}", "{a} * {b}", "multiply times product"),
    ("divides {a} by {b}", "{a} / {b}", "divide"),
    ("returns the larger of {a} and {b}", "max({a}, {b})", "larger biggest"),
    ("returns the smaller of {a} and {b}", "min({a}, {b})", "smaller least"),
    ("checks if {a} equals {b}", "{a} == {b}", "same equals"),
    ("checks if {a} is greater than {b}", "{a} > {b}", "greater bigger"),
    ("returns the remainder of {a} divided by {b}", "{a} % {b}", "mod remainder"),
    ("raises {a} to the power of {b}", "{a} ** {b}", "power"),
    ("checks if {a} is in {b}", "{a} in {b}", "contains has"),
)
ONE = (
    ("squares {a}", "{a} * {a}", "square"),
    ("returns the square of {a}", "{a} * {a}", "square"),
    ("doubles {a}", "{a} * 2", "double twice"),
    ("returns twice {a}", "{a} * 2", "double twice"),
    ("halves {a}", "{a} / 2", "half"),
    ("checks if {a} is even", "{a} % 2 == 0", "is_even even"),
    ("checks if {a} is odd", "{a} % 2 == 1", "is_odd odd"),
    ("reverses the string {a}", "{a}[::-1]", "reverse rev"),
    ("reverses {a}", "{a}[::-1]", "reverse rev"),
    ("returns the length of {a}", "len({a})", "length size"),
    ("sorts the list {a}", "sorted({a})", "sort_list ordered"),
    ("sums the list {a}", "sum({a})", "total sum_list"),
    ("returns the first item of {a}", "{a}[0]", "first head"),
    ("returns the last item of {a}", "{a}[-1]", "last tail"),
    ("turns {a} into upper case", "{a}.upper()", "upper shout"),
    ("turns {a} into lower case", "{a}.lower()", "lower"),
    ("returns the largest number in {a}", "max({a})", "largest"),
    ("returns the smallest number in {a}", "min({a})", "smallest"),
    ("joins the words in {a} with spaces", "' '.join({a})", "join_words"),
    ("returns the absolute value of {a}", "abs({a})", "absolute"),
    ("says hello to {a}", "'Hello, ' + {a}", "greet hello"),
)
PY_ASKS = (
    "Write a Python function {f} that {d}.",
    "Write a function {f}({args}) that {d}.",
    "Python: define {f}({args}) which {d}",
    "Implement {f} in Python: it {d}.",
    "Write a Python function that {d}. Call it {f}.",
    "Write {f}({args}) in Python. It {d}.",
    "Can you write a Python function {f} that {d}?",
)
ARGS = "a b x y n m s t left right value item p q word text items".split()


def python_task(r: Random) -> Sample:
    """A function of one line."""
    two = r.random() < 0.45
    what, expression, names = r.choice(TWO if two else ONE)
    name = (
        r.choice(names.split()) if r.random() < 0.65 else r.choice([letters(r), "f", "g", "func"])
    )
    a, b = r.sample(ARGS, 2)
    what, expression = what.format(a=a, b=b), expression.format(a=a, b=b)
    args = [a, b] if two else [a]
    text = r.choice(PY_ASKS)
    if "{args}" not in text:
        args.sort(key=what.split().index)
    shown = ", ".join(args)
    text = text.format(f=name, d=what, args=shown)
    return ask("python", text, f"def {name}({shown}):\n    return {expression}")
