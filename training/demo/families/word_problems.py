"""Stories about amounts, answered in written steps that end in `Answer: N`."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import Sample, ask, number, person
from . import quantities

GAINS = (
    ("buys {x}", "bought {x}"),
    ("finds {x}", "found {x}"),
    ("gets {x}", "got {x}"),
    ("gets {x} from {o}", "got {x} from {o}"),
    ("wins {x}", "won {x}"),
    ("picks up {x}", "picked up {x}"),
    ("picks {x}", "picked {x}"),
    ("receives {x}", "received {x}"),
    ("receives {x} from {o}", "received {x} from {o}"),
    ("collects {x}", "collected {x}"),
    ("takes {x} from {o}", "took {x} from {o}"),
    ("makes {x}", "made {x}"),
    ("adds {x}", "added {x}"),
    ("gains {x}", "gained {x}"),
    ("is given {x}", "was given {x}"),
)
LOSSES = (
    ("gives away {y}", "gave away {y}"),
    ("gives {y} away", "gave {y} away"),
    ("gives {y} to {o}", "gave {y} to {o}"),
    ("gives {o} {y}", "gave {o} {y}"),
    ("loses {y}", "lost {y}"),
    ("sells {y}", "sold {y}"),
    ("drops {y}", "dropped {y}"),
    ("uses {y}", "used {y}"),
    ("eats {y}", "ate {y}"),
    ("breaks {y}", "broke {y}"),
    ("throws away {y}", "threw away {y}"),
    ("hands {y} to {o}", "handed {y} to {o}"),
    ("lends {y} to {o}", "lent {y} to {o}"),
    ("donates {y}", "donated {y}"),
    ("spends {y}", "spent {y}"),
    ("removes {y}", "removed {y}"),
)
OTHERS = ("a friend", "a neighbor", "the teacher", "a shop", "a sister", "a brother", "the class")


def event(r: Random, amount: int, thing: str, past: bool) -> str:
    """What happens to an amount, without its subject."""
    n = str(abs(amount))
    if abs(amount) <= 12 and r.random() < 0.05:
        n = words.NUMBER_WORDS[abs(amount)]
    other = person(r)[0] if r.random() < 0.6 else r.choice(OTHERS)
    more = r.choice([f"{n} more", f"{n} more", f"{n} more {thing}", f"{n} {thing}", n])
    less = r.choice([n, n, f"{n} {thing}", f"{n} of them", f"{n} of the {thing}"])
    pair = r.choice(GAINS if amount > 0 else LOSSES)
    return pair[past].format(x=more, y=less, o=other)


def plural_verb(text: str) -> str:
    """The present event for "they": its first word without the s."""
    first, _, rest = text.partition(" ")
    irregular = {"is": "are", "loses": "lose", "uses": "use", "receives": "receive"}
    return f"{irregular.get(first, first.removesuffix('s'))} {rest}"


def story(r: Random, steps: int, big: bool) -> Sample:
    """One owner of one thing; `steps` gains and losses, one to three in a sentence."""
    name, pronoun = person(r)
    thing = r.choice(words.THINGS)
    past = r.random() < 0.35
    total = number(r, big)
    had = "had" if past else "has"
    starts = [f"{name} {had} {total} {thing}.", f"{name} {had} {total} {thing}."]
    starts += [f"{name} start{'ed' if past else 's'} with {total} {thing}."]
    starts += [f"{name} {'owned' if past else 'owns'} {total} {thing}."]
    if total <= 12:
        starts.append(f"{name} {had} {words.NUMBER_WORDS[total]} {thing}.")
    lines, written, deltas = [], [r.choice(starts)], []
    for _ in range(steps):
        b = number(r, big, low=1)
        lose = r.random() < 0.5 and total >= 3
        b = -min(b, r.randint(1, total - 1)) if lose else b
        lines.append(f"{total} {'-' if b < 0 else '+'} {abs(b)} = {total + b}")
        total += b
        deltas.append(b)
    at = 0
    while at < steps:
        take = min(steps - at, r.choices([1, 2, 3], [0.5, 0.4, 0.1])[0])
        subject = r.choice(
            [pronoun.capitalize()] * 3 + [name, f"Then {pronoun}", f"Later {pronoun}"]
        )
        verbs = [event(r, d, thing, past) for d in deltas[at : at + take]]
        if subject.lower().endswith("they") and not past:
            verbs = [plural_verb(v) for v in verbs]
        glue = r.choice([" and ", " and ", " and then ", ", then ", " and later ", " but "])
        written.append(f"{subject} {', '.join(verbs[:-1]) + glue if take > 1 else ''}{verbs[-1]}.")
        at += take
    if r.random() < 0.12:  # the start and the first events in one sentence
        written[0:2] = [written[0][:-1] + r.choice([" and ", ", and "]) + _lower(written[1], name)]
    question = r.choice(questions(name, pronoun, thing, deltas[-1] < 0, past))
    reply = "\n".join(lines) + f"\nAnswer: {total}"
    return ask("word", " ".join([*written, question]), reply, steps=steps, big=big)


def _lower(text: str, name: str) -> str:
    return text if text.startswith(name) else text[0].lower() + text[1:]


def questions(name: str, pronoun: str, thing: str, lost: bool, past: bool) -> list[str]:
    """The ways to ask for what is there at the end."""
    do = "do" if pronoun == "they" else "does"
    made = [
        f"How many {thing} does {name} have?",
        f"How many {thing} does {name} have now?",
        f"How many {thing} does {name} have in the end?",
        f"How many {thing} {do} {pronoun} have now?",
        f"How many {thing} {do} {pronoun} have?",
        f"How many does {name} have now?",
        f"How many {thing} are there now?",
        f"What number of {thing} does {name} have now?",
        f"How many {thing} has {name} got now?",
    ]
    made += [
        *(
            [f"How many {thing} are left?", f"How many {thing} does {name} have left?"] * 2
            if lost
            else []
        ),
        *(
            []
            if lost
            else [
                f"How many {thing} does {name} have in total?",
                f"How many {thing} does {name} have altogether?",
            ]
        ),
        *([f"How many {thing} did {name} have in the end?"] if past else []),
    ]
    return made


PREFIX = ("Question: ", "Solve this: ", "Please solve: ", "Problem: ", "Here is a problem. ")
SUFFIX = (
    " Think step by step.",
    " Show your steps.",
    " Answer with a number.",
    " Explain step by step.",
    "\nEnd with a line 'Answer: N'.",
)


def word_problem(r: Random) -> Sample:
    """Any word problem, a story in two of three."""
    if r.random() < 0.66:
        steps = r.choices([1, 2, 3, 4, 5], [0.28, 0.36, 0.22, 0.09, 0.05])[0]
        made = story(r, steps, r.random() < 0.25)
    else:
        made = quantities.quantity(r)
    return dress(r, made)


def dress(r: Random, made: Sample) -> Sample:
    """The same problem with a small lead or tail around it, or in lower case."""
    text = made.key
    x = r.random()
    if x < 0.05:
        text = r.choice(PREFIX) + text
    elif x < 0.12:
        text += r.choice(SUFFIX)
    elif x < 0.15:
        text = text.lower()
    elif x < 0.18:
        text = text.removesuffix("?")
    return ask(made.family, text, made.turns[-1][1], **made.tags)
