"""One training conversation, and the small random pieces that all families share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from . import words

Turn = tuple[str, str]
"""A role ("system", "user", "assistant" or "tool") and its text."""

Split = Literal["train", "develop", "test"]

HELD_OUT_OF = 20
"""One prompt in so many is held out: half of them to look at while training, half to report."""

SALT = b"demo 2:"
"""Chosen so that the plainest greetings are in the training split."""


@dataclass(frozen=True)
class Sample:
    """A conversation of one family.

    `key` is the text whose hash decides the split. `answer` is what `check` compares with: the
    text after `Answer:` where the reply has one, else the whole reply. `call` is the first tool
    call expected and `final` the last reply of a conversation with tools.
    """

    family: str
    turns: tuple[Turn, ...]
    key: str
    answer: str | None = None
    tools: tuple[str, ...] = ()
    tags: dict[str, object] = field(default_factory=dict)

    @property
    def split(self) -> Split:
        """Where this prompt belongs, by its hash: prompts of two splits are never the same."""
        number = int(hashlib.sha256(SALT + self.key.encode()).hexdigest(), 16)
        if number % HELD_OUT_OF:
            return "train"
        return "test" if number // HELD_OUT_OF % 2 else "develop"


def ask(family: str, question: str, reply: str, **tags: object) -> Sample:
    """One question with one reply."""
    answer = reply.rpartition("Answer: ")[2] if "Answer: " in reply else reply
    return Sample(family, (("user", question), ("assistant", reply)), question, answer, tags=tags)


def letters(r: Random, low: int = 3, high: int = 7) -> str:
    """A made-up word, so that copying is learned and not a dictionary."""
    return "".join(r.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(r.randint(low, high)))


def person(r: Random) -> tuple[str, str]:
    """A name with its pronoun."""
    x = r.random()
    if x < 0.03:
        return letters(r).capitalize(), r.choice(["he", "she", "they"])
    if x < 0.08:
        return r.choice(words.THEY), "they"
    return (r.choice(words.HE), "he") if x < 0.55 else (r.choice(words.SHE), "she")


def people(r: Random, count: int) -> list[str]:
    """Distinct names."""
    names: list[str] = []
    while len(names) < count:
        name = person(r)[0]
        if name not in names:
            names.append(name)
    return names


def number(r: Random, big: bool, low: int = 2) -> int:
    """An amount: below 20, below 100 or below 200."""
    x = r.random()
    if big:
        return r.randint(low, 199 if x < 0.6 else 99)
    return r.randint(low, 20 if x < 0.45 else 60 if x < 0.8 else 99)


def phrase(r: Random, low: int = 1, high: int = 5) -> str:
    """A few words, now and then with a number or a made-up word among them."""
    made = [
        r.choice(words.WORDS) if r.random() < 0.96 else letters(r)
        for _ in range(r.randint(low, high))
    ]
    if r.random() < 0.2:
        made.insert(r.randrange(len(made) + 1), str(r.randint(1, 999)))
    text = " ".join(made)
    return text[0].upper() + text[1:] if r.random() < 0.2 else text


def path(r: Random) -> str:
    """A file's path."""
    x = r.random()
    if x < 0.45:
        stem = r.choice(words.STEMS)
    elif x < 0.6:
        stem = r.choice(words.WORDS)
    elif x < 0.7:
        stem = r.choice(words.WORDS) + r.choice("_-") + r.choice(words.STEMS)
    elif x < 0.95:
        stem = r.choice(words.STEMS) + str(r.randint(1, 99))
    else:
        stem = letters(r)
    name = f"{stem}.{r.choice(words.EXTS)}"
    y = r.random()
    if y < 0.6:
        return name
    if y < 0.93:
        return f"{folder(r)}/{name}"
    return f"/{folder(r)}/{folder(r)}/{name}"


def folder(r: Random) -> str:
    """A folder's name."""
    x = r.random()
    if x < 0.8:
        return r.choice(words.DIRS)
    return r.choice(words.WORDS) if x < 0.95 else letters(r)


def joined(items: list[object] | list[int] | list[str]) -> str:
    """Items with commas."""
    return ", ".join(map(str, items))
