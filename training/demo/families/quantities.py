"""Word problems about groups, places, money and ages, and the draw among all quantities."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import Sample, number, people, person
from .comparing import (
    answered,
    chain,
    colours,
    difference,
    more_than,
    scaled,
    sharing,
    together,
)


def quantity(r: Random) -> Sample:
    """One problem of a random kind."""
    return r.choices(list(KINDS), list(KINDS.values()))[0](r)


def groups(r: Random) -> Sample:
    """Equal groups, then at most one event."""
    name, pronoun = person(r)
    thing, holder = r.choice(words.THINGS), r.choice(words.HOLDERS)
    x, y = r.randint(2, 12), r.randint(2, 12)
    lines = [f"{x} * {y} = {x * y}"]
    text = r.choice(
        [
            f"{name} has {x} {holder} with {y} {thing} each.",
            f"{name} has {x} {holder} of {y} {thing}.",
            f"There are {x} {holder} with {y} {thing} in each.",
            f"{name} buys {x} {holder} with {y} {thing} each.",
            f"There are {x} {holder}. Each one has {y} {thing}.",
        ]
    )
    if r.random() < 0.35:
        d = r.randint(1, x * y - 1) * r.choice([1, -1])
        verb = r.choice(["gives away", "loses", "sells"] if d < 0 else ["buys", "finds", "gets"])
        who = name if pronoun == "they" or "There" in text else pronoun.capitalize()
        text += f" {who} {verb} {abs(d)}{' more' if d > 0 else ''}."
        lines += chain(x * y, [d])
    end = r.choice(["", " in total", " altogether", " in all"]) if len(lines) == 1 else " now"
    return answered(lines, f"{text} How many {thing} are there{end}?")


PLACES = (
    ("There are {n} people on a bus.", "{b} people get on", "{b} get off", "people are on the bus"),
    (
        "There are {n} birds in a tree.",
        "{b} more birds come",
        "{b} fly away",
        "birds are in the tree",
    ),
    (
        "There are {n} children in a class.",
        "{b} new children join",
        "{b} leave",
        "children are there",
    ),
    ("A shop has {n} {t}.", "It gets {b} new ones", "It sells {b}", "{t} does the shop have"),
    ("A basket has {n} {t}.", "{p} puts in {b} more", "{p} takes out {b}", "{t} are in the basket"),
    ("There are {n} {t} on the table.", "{p} adds {b}", "{p} takes {b}", "{t} are on the table"),
    ("There are {n} cars in a car park.", "{b} more arrive", "{b} drive away", "cars are there"),
    (
        "A farmer has {n} {t}.",
        "The farmer buys {b}",
        "The farmer sells {b}",
        "{t} does the farmer have",
    ),
    ("A library has {n} books.", "It buys {b} more", "It lends {b}", "books are in the library"),
)


def places(r: Random) -> Sample:
    """A place that fills and empties."""
    start, gain, loss, end = r.choice(PLACES)
    n, thing, name = number(r, r.random() < 0.4, 4), r.choice(words.THINGS), person(r)[0]
    deltas, total, parts = [], n, []
    for _ in range(r.choice([1, 2, 2, 3])):
        b = number(r, False)
        lose = r.random() < 0.55 and total > 2
        b = -min(b, r.randint(1, total - 1)) if lose else b
        parts.append((loss if lose else gain).format(b=abs(b), p=name))
        deltas.append(b)
        total += b
    text = start.format(n=n, t=thing) + " "
    if len(parts) > 1 and r.random() < 0.5:
        rest = [p if p.startswith(name) else p[0].lower() + p[1:] for p in parts[1:]]
        text += f"{parts[0]}{r.choice([' and ', ' and then ', ', then '])}{' and '.join(rest)}."
    else:
        text += " ".join(p + "." for p in parts)
    return answered(chain(n, deltas), f"{text} How many {end.format(t=thing)} now?")


def money(r: Random) -> Sample:
    """Spending and earning, prices and change."""
    name, pronoun = person(r)
    unit = r.choice(["dollars", "dollars", "euros", "coins"])
    dollar = r.random() < 0.4

    def fmt(amount: int) -> str:
        return f"${amount}" if dollar else f"{amount} {unit}"

    he = name if pronoun == "they" else pronoun.capitalize()
    if r.random() < 0.45:
        price, count = r.randint(2, 12), r.randint(2, 12)
        thing = r.choice(words.THINGS)
        cost = price * count
        lines = [f"{count} * {price} = {cost}"]
        text = f"{name} buys {count} {thing} for {fmt(price)} each."
        if r.random() < 0.4:
            paid = cost + r.randint(1, 40)
            lines += chain(paid, [-cost])
            return answered(
                lines, f"{text} {he} pays with {fmt(paid)}. How much change does {name} get?"
            )
        return answered(
            lines, text + r.choice([f" How much does {name} pay?", " What is the total cost?"])
        )
    total = n = number(r, r.random() < 0.4, 5)
    text, deltas = f"{name} has {fmt(n)}.", []
    for _ in range(r.choice([1, 2, 2])):
        b = number(r, False)
        lose = r.random() < 0.6
        b = -min(b, r.randint(1, total - 1)) if lose and total > 2 else b
        verb = r.choice(["spends", "pays", "loses"] if b < 0 else ["earns", "gets", "finds"])
        text += f" {he} {verb} {fmt(abs(b))}."
        deltas.append(b)
        total += b
    end = r.choice([f"How much money does {name} have now?", f"How much does {name} have left?"])
    return answered(chain(n, deltas), f"{text} {end}")


def ages(r: Random) -> Sample:
    """Years later, years ago, older and younger."""
    a, b = people(r, 2)
    n, d = r.randint(5, 80), r.randint(2, 30)
    d = min(d, n - 1)
    plus = r.random() < 0.55
    text = r.choice(
        [
            f"{a} is {n} years old. How old will {a} be in {d} years?",
            f"{a} is {n}. {b} is {d} years older. How old is {b}?",
        ]
        if plus
        else [
            f"{a} is {n} years old. How old was {a} {d} years ago?",
            f"{a} is {n}. {b} is {d} years younger. How old is {b}?",
        ]
    )
    return answered(chain(n, [d if plus else -d]), text)


KINDS = {
    together: 3,
    colours: 2,
    more_than: 2,
    difference: 3,
    groups: 2.5,
    sharing: 1.5,
    scaled: 1,
    places: 3,
    money: 3,
    ages: 1.5,
}
