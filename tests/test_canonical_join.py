"""Answers without a unit join the one answer with a unit that they can mean."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical import Key, join, number


def groups(*said: str) -> list[list[str]]:
    """The spellings that end in one group, each group sorted."""
    found: defaultdict[str | None, list[str]] = defaultdict(list)
    for words, value in zip(said, join([number.key(words) for words in said]), strict=True):
        found[value].append(words)
    return sorted(sorted(group) for group in found.values())


@pytest.mark.parametrize(("said", "expected"), [
    (["1500", "1.5 km", "1500 m"], [["1.5 km", "1500", "1500 m"]]),
    (["1.5", "1.5 km", "1500 m"], [["1.5", "1.5 km", "1500 m"]]),
    (["1.5", "1.5 km", "1.5 m"], [["1.5"], ["1.5 km"], ["1.5 m"]]),
    (["1500", "1.5 km"], [["1.5 km"], ["1500"]]),
    (["$1,234.00", "1234", "1,234 dollars", "1.234"], [["$1,234.00", "1,234 dollars", "1234"],
    ["1.234"]]),
    (["$5", "\u20ac5", "5"], [["$5"], ["5"], ["\u20ac5"]]),
    (["$5", "5", "5.0"], [["$5", "5", "5.0"]]),
    (["75%", "0.75", "75", "3/4"], [["0.75", "3/4", "75", "75%"]]),
    (["75%", "75%", "0.8"], [["0.8"], ["75%", "75%"]]),
    (["75", "75%", "75 km"], [["75"], ["75 km"], ["75%"]]),
    (["0.75", "75%", "0.75 km"], [["0.75", "75%"], ["0.75 km"]]),
    (["25", "25 \u00b0C", "25 degrees"], [["25", "25 degrees", "25 \u00b0C"]]),
    (["5 lb", "5 pounds", "5"], [["5", "5 lb", "5 pounds"]]),
    (["90", "90 min", "1.5 h", "1 h 30 min"], [["1 h 30 min", "1.5 h", "90", "90 min"]]),
    (["18", "18 eggs", "18 hens per day"], [["18", "18 eggs", "18 hens per day"]]),
    (["1 km", "1000 m", "1"], [["1", "1 km", "1000 m"]]), (["7", "8"], [["7"], ["8"]]),
    (["50 cents", "$0.50", "50", "0.5"], [["$0.50", "0.5", "50", "50 cents"]]),
])  # fmt: skip
def test_what_joins(said: list[str], expected: list[list[str]]) -> None:
    assert groups(*said) == expected


# Values and aliases that collide in every way: units, shares of one, and answers that never move.
UNIVERSE: list[Key | None] = [
    Key("number:1500"), Key("number:3/2"), Key("number:75"), Key("number:3/4"), Key("choice:B"),
    None,
    Key("number:1500 m", "number:1500"), Key("number:1500 m", "number:3/2"), Key("number:1500 s",
    "number:1500"),
    Key("number:3/4", "number:75"), Key("number:75 $", "number:75"), Key("number:3/2 $",
    "number:3/2"),
]  # fmt: skip
KEYS = st.lists(st.sampled_from(UNIVERSE), max_size=9)


@given(KEYS, st.randoms())
def test_join_is_independent_of_order_and_parts_no_value(
    keys: list[Key | None], chance: random.Random
) -> None:
    joined = join(keys)
    order = list(range(len(keys)))
    chance.shuffle(order)
    assert join([keys[at] for at in order]) == [joined[at] for at in order]
    home = {key.value: value for key, value in zip(keys, joined, strict=True) if key}
    for key, value in zip(keys, joined, strict=True):
        assert value == (home[key.value] if key else None)
        assert key is None or key.alias is None or value == key.value  # only bare answers move
