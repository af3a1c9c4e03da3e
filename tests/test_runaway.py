"""Text that goes round and round, and the vote that does not wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.backends.base import Grant, Piece
from local_swarm.ballot import Ballot, Finish, Meter
from local_swarm.chat import ChatRequest
from local_swarm.swarm.runaway import runs_away
from local_swarm.swarm.tiers import why_invalid
from local_swarm.swarm.voter import EngineVoter


@given(st.text(max_size=400), st.text(min_size=1, max_size=300), st.integers(0, 299))
def test_what_repeats_itself_to_the_end_is_found(before: str, said: str, cut: int) -> None:
    text = before + said * (1800 // len(said) + 1)
    assert runs_away(text[: len(text) - cut] if cut < 300 else text)


@given(st.text(max_size=1199))
def test_short_text_is_never_one(text: str) -> None:
    assert not runs_away(text)


def test_rows_that_differ_are_none() -> None:
    assert not runs_away("\n".join(f"| {n} | some words | {n * n} |" for n in range(200)))
    assert not runs_away("Well. " * 150 + "The answer is 42. " + "So it is. " * 60)
    assert not runs_away(("x" * 301 + "y") * 20)


class Rounds:
    """An engine of which seats `looping` never end."""

    model = "m"

    def __init__(self, seats: int, looping: set[int]) -> None:
        self._seats, self._looping, self.pieces, self.closed = seats, looping, 0, False

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        yield Grant(self._seats, 5)
        try:
            for _ in range(2000):
                for seat in self._looping:
                    self.pieces += 1
                    yield Piece(seat, "round and round, ")
                if self.pieces == 10 * len(self._looping):
                    for seat in set(range(self._seats)) - self._looping:
                        yield Piece(seat, "42", finish=Finish.STOP)
            for seat in self._looping:
                yield Piece(seat, finish=Finish.LENGTH)
        finally:
            self.closed = True

    async def close(self) -> None: ...


@pytest.mark.parametrize(("looping", "waited"), [({3}, False), ({2, 3}, False), ({1, 2, 3}, True)])
def test_a_minority_that_loops_is_not_waited_for(looping: set[int], waited: bool) -> None:
    engine = Rounds(4, looping)

    async def run() -> list[Ballot]:
        voter = EngineVoter(engine)
        return [ballot async for ballot in voter.vote(ChatRequest("id", ()), 4, Meter())]

    ballots = asyncio.run(run())
    assert len(ballots) == 4 and engine.closed
    whys = [why_invalid(ballot) for ballot in ballots if ballot.finish is Finish.LENGTH]
    assert whys == ["it repeated itself without end"] * len(looping)
    assert (engine.pieces == 2000 * len(looping)) == waited
    assert waited or engine.pieces < 150 * len(looping)
