"""How sure a measured figure is. Pure; seeded, so that the same data give the same figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple


class Interval(NamedTuple):
    """A figure and its 95 % interval."""

    mean: float
    low: float
    high: float


def wilson(right: float, asked: int) -> Interval:
    """A share and its interval (Wilson 1927, z = 1.96)."""
    if asked == 0:
        return Interval(0.0, 0.0, 1.0)
    p, z = right / asked, 1.96
    middle = (p + z * z / (2 * asked)) / (1 + z * z / asked)
    half = z * math.sqrt(p * (1 - p) / asked + z * z / (4 * asked * asked)) / (1 + z * z / asked)
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


def paired(ours: Sequence[float], theirs: Sequence[float], draws: int = 2000) -> Interval:
    """The mean of `ours` - `theirs` over the same questions, with the percentile interval of a
    bootstrap over questions (Efron 1979)."""
    return bootstrap([a - b for a, b in zip(ours, theirs, strict=True)], draws)


def bootstrap(values: Sequence[float], draws: int = 2000) -> Interval:
    """The mean and its interval."""
    if not values:
        return Interval(0.0, 0.0, 0.0)
    count, mean = len(values), math.fsum(values) / len(values)
    if min(values) == max(values):
        return Interval(mean, mean, mean)
    random = Random(0)
    means = sorted(sum(random.choices(values, k=count)) / count for _ in range(draws))
    return Interval(mean, means[round(0.025 * (draws - 1))], means[round(0.975 * (draws - 1))])
