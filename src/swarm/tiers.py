"""Who is asked, in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..ballot import Ballot, Finish, Meter
from ..chat import ChatRequest
from .runaway import runs_away


class Voter(Protocol):
    """Whoever casts ballots: an engine, a remote peer, a whole swarm."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str | None:
        """The model of all its ballots; None where they may be of several."""
        ...

    @property
    def machine(self) -> str:
        """The machine of all its ballots."""
        ...

    def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        """Casts up to `seats` ballots as they are finished, and keeps `meter` current.

        Closing the iterator stops the rest. Raises SwarmError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tier:
    """Voters that are asked together, each for so many seats.

    With `if_unsure` they are asked only when the ballots before them do not settle the question;
    without, they are a further wave of the same vote. `request` replaces the election's own.

    `guests` are voters of other machines: their ballots count as those of all others, but their
    failures fail nothing, and once the voters have ended they are waited for no longer than
    `grace` says: from the seconds that the voters took to the seconds to wait on. Where it is
    None, or no voter has cast a ballot, they are waited for until they end.
    """

    voters: Sequence[tuple[Voter, int]]
    name: str = "seats"
    if_unsure: bool = False
    request: ChatRequest | None = None
    guests: Sequence[tuple[Voter, int]] = ()
    grace: Callable[[float], float] | None = None

    @property
    def everybody(self) -> list[tuple[Voter, int]]:
        """The voters, then the guests."""
        return [*self.voters, *self.guests]


def why_invalid(ballot: Ballot) -> str:
    """Why a ballot without a key does not count."""
    if ballot.finish is Finish.ERROR:
        return "the engine failed"
    if ballot.finish is Finish.LENGTH:
        said = ballot.answer.text or ballot.answer.reasoning
        return "it repeated itself without end" if runs_away(said) else "cut off at max_tokens"
    if ballot.answer.tool_calls:
        return "a call of no offered tool, or its arguments do not fit"
    return "no valid answer" if ballot.answer.text.strip() else "empty"
