"""The engines of one machine and the seats that each has in a vote. Pure but for `Member.busy`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..backends.base import Engine
from .voter import EngineVoter


@dataclass(frozen=True, slots=True)
class Member:
    """An engine with its seats in a vote that asks for no other number of them.

    `busy` tells how many seats work or wait there now.
    """

    engine: Engine
    seats: int
    busy: Callable[[], int] = lambda: 0


class Team:
    """Who answers on this machine: one engine, or several of unlike models and kinds."""

    def __init__(self, members: Sequence[Member]) -> None:
        if not members:
            raise ValueError("a team needs an engine")
        self._members = tuple(members)

    @property
    def models(self) -> list[str]:
        """The ids of the models, each once, in order."""
        return list(dict.fromkeys(member.engine.model for member in self._members))

    @property
    def seats(self) -> int:
        """The seats of a vote of all."""
        return sum(member.seats for member in self._members)

    def only(self, model: str) -> Team:
        """The members that serve `model`; all of them where nobody does."""
        found = [member for member in self._members if member.engine.model == model]
        return Team(found) if found and len(found) < len(self._members) else self

    def one_each(self) -> Team:
        """One seat of each model."""
        found = {member.engine.model: member for member in reversed(self._members)}
        return Team([Member(found[model].engine, 1, found[model].busy) for model in self.models])

    def voters(self, seats: int, after: int = 0) -> list[tuple[EngineVoter, int]]:
        """Who casts the ballots number `after` to `after + seats` of one question.

        Voters of one model count their seats on from each other, so that no two of them have the
        same seed.
        """
        counts = [member.seats for member in self._members]
        before, upto = share_out(after, counts), share_out(after + seats, counts)
        first: Counter[str] = Counter()
        for member, had in zip(self._members, before, strict=True):
            first[member.engine.model] += had
        voters: list[tuple[EngineVoter, int]] = []
        for member, had, has in zip(self._members, before, upto, strict=True):
            if has > had:
                model = member.engine.model
                voters.append((EngineVoter(member.engine, first=first[model]), has - had))
                first[model] += has - had
        return voters

    def in_turn(self, accuracy: Mapping[str, float]) -> list[Engine]:
        """The engines in the order in which one seat is asked for: where `accuracy` (0 to 1) is
        known of all models, the best first, else as they were named; of the engines of one model
        the least busy."""
        models = self.models
        if all(model in accuracy for model in models):
            models.sort(key=lambda model: -accuracy[model])
        place = {model: at for at, model in enumerate(models)}
        ordered = sorted(self._members, key=lambda m: (place[m.engine.model], m.busy()))
        return [member.engine for member in ordered]


def share_out(seats: int, counts: Sequence[int]) -> list[int]:
    """`seats` in the proportion of `counts`, one after the other to who lacks most (Sainte-Laguë):
    a larger number never takes a seat away from anybody, and sum(counts) gives `counts`."""
    had = [0] * len(counts)
    for _ in range(seats):
        lacks = [count / (2 * have + 1) for count, have in zip(counts, had, strict=True)]
        had[lacks.index(max(lacks))] += 1
    return had
