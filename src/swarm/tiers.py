"""Who is asked, in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..ballot import Ballot, Finish, Meter
from ..chat import ChatRequest


class Voter(Protocol):
    """Whoever casts ballots: an engine, a remote peer, a whole swarm."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str | None:
        """The model of all its ballots; None where they may be of several."""
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
    """

    voters: Sequence[tuple[Voter, int]]
    name: str = "seats"
    if_unsure: bool = False
    request: ChatRequest | None = None


def why_invalid(ballot: Ballot) -> str:
    """Why a ballot without a key does not count."""
    if ballot.finish is Finish.ERROR:
        return "the engine failed"
    if ballot.finish is Finish.LENGTH:
        return "cut off at max_tokens"
    if ballot.answer.tool_calls:
        return "a call of no offered tool, or its arguments do not fit"
    return "no valid answer" if ballot.answer.text.strip() else "empty"
