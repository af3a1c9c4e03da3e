"""Which answers without a unit mean one with a unit: a rule over all ballots at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .key import Key


def join(keys: Sequence[Key | None]) -> list[str | None]:
    """The values of `keys`, where "1500" becomes "1500 m" if that is the only reading.

    An answer without alias joins the one value whose alias it is; when several have it, or when
    its own value was also given with a unit, it stays. Independent of order.
    """
    readings = _readings(keys)
    with_unit = {key.value for key in keys if key and key.alias}
    return [_joined(key, readings, with_unit) if key else None for key in keys]


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
