"""Which answers without a unit mean one with a unit: a rule over all ballots at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from .key import Key


def join(keys: Sequence[Key | None]) -> list[str | None]:
    """The values of `keys`, where "1500" becomes "1500 m" if that is the only reading.

    An answer without alias joins the one value whose alias it is; when several have it, or when
    its own value was also given with a unit, it stays. Independent of order.
    """
    readings = _readings(keys)
    with_unit = {key.value for key in keys if key and key.alias}
    return [_joined(key, readings, with_unit) if key else None for key in keys]


class Lead(NamedTuple):
    """What ballots that are still out can do to a group by their units alone."""

    least: float  # weight of the ballots of the group that nothing can part
    most: float  # weight of the heaviest group without them that the other ballots can form


def lead(keys: Sequence[Key | None], weights: Sequence[float], group: str, out: int) -> Lead:
    """How far `group`, a value of `join(keys)`, is safe from `out` ballots not yet seen.

    Ballots with one value stay together whatever comes; only those without a unit move, as one
    block, and at most one such block for each further ballot. So the winner cannot change, and
    keeps its heaviest block, as soon as `least - most` is more than the weight still out.
    """
    blocks: defaultdict[str, float] = defaultdict(float)
    homes: dict[str, str] = {}
    for key, home, weight in zip(keys, join(keys), weights, strict=True):
        if key and home:
            blocks[key.value] += weight
            homes[key.value] = home
    inside = {value: weight for value, weight in blocks.items() if homes[value] == group}
    if not inside:
        return Lead(0.0, max(blocks.values(), default=0.0))
    groups: defaultdict[str, float] = defaultdict(float)
    for value, weight in blocks.items():
        groups[homes[value]] += weight
    if out <= 0:
        others = [weight for home, weight in groups.items() if home != group]
        return Lead(groups[group], max(others, default=0.0))
    core = max(inside, key=lambda value: (inside[value], value))
    readings = _readings(keys)
    fixed = {key.value for key in keys if key and key.alias} | set(readings)
    free = {value for value in blocks if _may_move(value) and value not in fixed}
    most = 0.0
    for value in blocks.keys() - {core}:
        home = homes[value]
        near = sum(blocks[other] for other in blocks if homes[other] == home and other != core)
        far = [blocks[other] for other in free if homes[other] != home and other != core]
        most = max(most, near + sum(sorted(far)[-out:]))
    return Lead(inside[core], most)


def _readings(keys: Sequence[Key | None]) -> dict[str, set[str]]:
    """The values that each alias was given for."""
    readings: defaultdict[str, set[str]] = defaultdict(set)
    for key in keys:
        if key and key.alias and key.alias != key.value:
            readings[key.alias].add(key.value)
    return dict(readings)


def _joined(key: Key, readings: dict[str, set[str]], with_unit: set[str]) -> str:
    found = readings.get(key.value, set())
    if key.alias or key.value in with_unit or len(found) != 1:
        return key.value
    return next(iter(found))


def _may_move(value: str) -> bool:
    """Whether an alias can have this value; letters, words and calls have none."""
    return value.startswith(("number:", "date:")) and " " not in value
