"""What happened in a LAN while things went wrong, and what must hold of it whatever went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

DEADLINE_S = 15.0  # given with every question
_HEALED_S = 15.0
# From a hang-up at home to idle slots on a peer: 0.25 s are promised, and a machine that does other
# things as well may take four times that.
_STOP_S = 4 * 0.25
_SOCKETS = 6  # a peer's kept connections come and go


@dataclass(frozen=True, slots=True)
class Asked:
    """`id` is one question's, `host` who was asked, `private` that it must stay there."""

    at: float
    id: int
    host: int
    private: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    at: float
    id: int
    verdict: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HungUp:
    at: float
    id: int


@dataclass(frozen=True, slots=True)
class Broken:
    """From now on the hosts of `alone` reach nobody."""

    at: float
    alone: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Healed:
    at: float


@dataclass(frozen=True, slots=True)
class Whole:
    """All see all."""

    at: float


@dataclass(frozen=True, slots=True)
class Idle:
    """The engine of a host worked for question `id` and does not any more, `after` seconds from
    when its caller hung up; the way in which that is found out is part of it."""

    at: float
    id: int
    host: int
    after: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file was asked of peers by its hash; `found` is the hash of what then has its name, None
    where nothing has."""

    at: float
    wanted: str
    found: str | None


@dataclass(frozen=True, slots=True)
class Open:
    """So many sockets and files a host's node has open, with nothing to do."""

    at: float
    host: int
    files: int


Event = Asked | Answered | HungUp | Broken | Healed | Whole | Idle | Fetched | Open


def faults(history: Sequence[Event], seats: Mapping[str, int]) -> list[str]:
    """What must not be, a line each. `seats` are the workers of each member by its name."""
    return [
        *_one_answer_each(history),
        *_home_answers_alone(history),
        *_members_only(history, seats),
        *_stops(history),
        *_follows(history, Healed, Whole, _HEALED_S, "not all saw all after a repair"),
        *_right_bytes(history),
        *_nothing_leaks(history),
    ]


def leaked(wire: bytes, secrets: Iterable[bytes]) -> list[str]:
    """Which words that had to stay at home, or inside TLS, were seen on the wire."""
    return [f"{secret.decode()} was on the wire" for secret in secrets if secret in wire]


def _one_answer_each(history: Sequence[Event]) -> Iterable[str]:
    for asked in (event for event in history if isinstance(event, Asked)):
        ends = [e for e in history if isinstance(e, (Answered, HungUp)) and e.id == asked.id]
        if len(ends) != 1:
            yield f"question {asked.id} ended {len(ends)} times"
        elif ends[0].at - asked.at > DEADLINE_S + 1:
            yield f"question {asked.id} was answered after its deadline"


def _home_answers_alone(history: Sequence[Event]) -> Iterable[str]:
    """A machine that reaches nobody answers by itself; a private question never leaves."""
    alone: frozenset[int] = frozenset()
    lonely: set[int] = set()
    for event in history:
        if isinstance(event, Broken):
            alone = event.alone
        elif isinstance(event, Healed):
            alone = frozenset()
        elif isinstance(event, Asked) and (event.private or event.host in alone):
            lonely.add(event.id)
        elif isinstance(event, Answered):
            if event.verdict["status"] == "no_answer":
                yield f"question {event.id} has no answer"
            if event.id in lonely and event.verdict["machines"] != 1:
                yield f"question {event.id} was answered by others than home"


def _members_only(history: Sequence[Event], seats: Mapping[str, int]) -> Iterable[str]:
    """Who is no member has no vote, and nobody has more than it has workers."""
    asked = {event.id: event.host for event in history if isinstance(event, Asked)}
    for event in (event for event in history if isinstance(event, Answered)):
        verdict = event.verdict
        if verdict["ballots"] > sum(seats.values()):
            yield f"question {event.id} to host {asked.get(event.id)} has too many ballots"
        for group in verdict["groups"]:
            if group["weight"] > group["votes"]:
                yield f"question {event.id}: {group['key']} weighs more than its votes"
            for machine in group.get("machines", ()):
                if machine != "home" and machine.partition(" (")[0] not in seats:
                    yield f"question {event.id}: {machine} is no member"


def _stops(history: Sequence[Event]) -> Iterable[str]:
    """Every hang-up ends all work for it. How soon is told by the middle one of all: one alone
    tells more of what else the machine did at that moment."""
    idle = [event for event in history if isinstance(event, Idle)]
    for event in history:
        if isinstance(event, HungUp) and not any(one.id == event.id for one in idle):
            yield f"seats worked on after the hang-up of question {event.id}"
    if idle:
        after = median(event.after for event in idle)
        if after > _STOP_S:
            yield f"seats worked on for {after:.3f} s after a hang-up"


def _right_bytes(history: Sequence[Event]) -> Iterable[str]:
    """Nothing but the file itself ever has its name."""
    for event in history:
        if isinstance(event, Fetched) and event.found not in (None, event.wanted):
            yield f"{event.found} has the name of {event.wanted}"


def _follows(
    history: Sequence[Event], first: type[Event], then: type[Event], within: float, told: str
) -> Iterable[str]:
    for place, event in enumerate(history):
        if isinstance(event, first):
            after = next((e for e in history[place:] if isinstance(e, then)), None)
            if after is None or after.at - event.at > within:
                yield f"{told} at {event.at:.1f}"


def _nothing_leaks(history: Sequence[Event]) -> Iterable[str]:
    seen: dict[int, int] = {}
    for event in history:
        if isinstance(event, Open):
            before = seen.setdefault(event.host, event.files)
            if event.files > before + _SOCKETS:
                yield f"host {event.host} has {event.files} files open, {before} before"
