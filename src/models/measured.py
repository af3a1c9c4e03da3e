"""What plans took and how fast they were on this machine, kept for the next plan.

One JSON file in the state folder. What cannot be read or written is as if nothing was measured.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import exp, log
from pathlib import Path
from statistics import fmean

from ..hardware.profile import HardwareProfile
from .catalog import ModelSpec
from .plan import Plan
from .speed import host_bytes_per_second, tokens_per_second

_NAME = "measured.json"
_KEPT = 100
_SMALL = 200 << 20  # a smaller model is bound by other things than memory bandwidth
_PACE, _SEAT = (0.1, 3.0), (0.02, 1.0)  # what lies outside is a disturbed measurement


@dataclass(frozen=True, slots=True)
class Entry:
    """One plan on one machine. Bytes; tokens a second of each answer: `one` alone, `all` while
    `seats` write, `expected` for one by the bandwidth alone. None where it was not learned."""

    machine: str
    engine: str
    file: str
    file_bytes: int
    seats: int
    cells: int
    slots: int
    predicted: int
    resident: int | None
    one: float | None
    all: float | None
    expected: float
    plain: bool = True  # else it tells of nothing but this very plan: isolated, or tuned by hand

    def is_of(self, plan: Plan, path: Path) -> bool:
        """Whether it was this plan of this file."""
        return (self.file, self.file_bytes, self.seats, self.cells, self.slots) == (
            path.name, plan.need.weights, plan.seats, plan.cells, plan.slots,
        )  # fmt: skip


def machine_of(profile: HardwareProfile) -> str:
    """What a measurement holds for: another processor or container is another machine."""
    return f"{profile.cpu}, {profile.cores} cores, {profile.memory_total >> 30} GiB"


def expected(profile: HardwareProfile, spec: ModelSpec, weights: int) -> float:
    """Tokens a second of one answer by the bandwidth alone, thoughts not counted."""
    plain = replace(profile, pace=None)
    spec = replace(spec, thinking=False)
    return tokens_per_second(spec, weights, 1, host=host_bytes_per_second(plain))


def read(state: Path, profile: HardwareProfile) -> list[Entry]:
    """What was measured on this machine, the oldest first."""
    return [entry for entry in _all(state) if entry.machine == machine_of(profile)]


def keep(state: Path, entry: Entry) -> None:
    """Adds `entry` in the place of an older one of the same plan."""
    others = [one for one in _all(state) if _key(one) != _key(entry)][-_KEPT + 1 :]
    path = state / _NAME
    fresh = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        state.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps([asdict(one) for one in (*others, entry)]), encoding="utf-8")
        fresh.replace(path)


def learned(profile: HardwareProfile, entries: Sequence[Entry]) -> HardwareProfile:
    """`profile` with what the measurements tell of the machine: its pace, and what a seat costs."""
    paces = [
        log(one.one / one.expected)
        for one in entries
        if one.plain and one.one and one.expected > 0 and one.file_bytes >= _SMALL
    ]
    seats = [
        (one.one / one.all - 1) / (one.seats - 1)
        for one in entries
        if one.plain
        and one.one
        and one.all
        and one.seats > 1
        and one.expected > 0
        and one.file_bytes >= _SMALL
    ]
    return replace(
        profile,
        pace=_within(exp(fmean(paces)), _PACE) if paces else None,
        seat_cost=_within(fmean(seats), _SEAT) if seats else None,
    )


def surplus(file: str, file_bytes: int | None, entries: Iterable[Entry]) -> int:
    """Bytes that a file took beyond what was predicted for it."""
    found = [
        one.resident - one.predicted
        for one in entries
        if one.plain
        and one.resident is not None
        and (one.file, one.file_bytes) == (file, file_bytes)
    ]
    return max([0, *found])


def _all(state: Path) -> list[Entry]:
    try:
        given = json.loads((state / _NAME).read_text(encoding="utf-8"))
        return [Entry(**one) for one in given if _sound(one)]
    except (OSError, ValueError, TypeError):
        return []


def _sound(one: object) -> bool:
    """Whether an entry of the file has numbers where they belong."""
    if not isinstance(one, dict):
        return False
    texts = all(isinstance(one.get(name), str) for name in ("machine", "engine", "file"))
    counts = ("file_bytes", "seats", "cells", "slots", "predicted", "expected")
    return texts and all(isinstance(one.get(name), int | float) for name in counts)


def _key(one: Entry) -> tuple[object, ...]:
    return one.machine, one.engine, one.file, one.file_bytes, one.seats, one.cells, one.slots


def _within(number: float, limits: tuple[float, float]) -> float:
    return min(max(number, limits[0]), limits[1])
