"""Holding an election: voters fail or are silent, and what is not needed is stopped."""

from __future__ import annotations

import asyncio

import pytest

from local_swarm.ballot import Answer, Ballot, Finish, Status, Verdict
from local_swarm.chat import ChatRequest, Progress
from local_swarm.errors import EngineError, InvalidRequest, NoAnswer
from local_swarm.swarm.canonical import Asked, Key, Kind
from local_swarm.swarm.election import Rule, Tier, hold
from local_swarm.swarm.strategies import Poll, fastest, majority, named, similarity
from local_swarm.swarm.tally import Cast

from .scripted import SILENCE, Scripted

REQUEST = ChatRequest("r", ({"role": "user", "content": "?"},))
TEXT = Asked(Kind.TEXT)
MAJORITY = Rule("majority", majority, TEXT)
ALL = Rule("majority", majority, TEXT, early_stop=False)
FASTEST = Rule("fastest", fastest, TEXT)


def elect(
    rule: Rule, *voters: tuple[Scripted, int], deadline_s: float | None = None
) -> tuple[Verdict, list[Progress]]:
    news: list[Progress] = []

    async def main() -> Verdict:
        before = asyncio.all_tasks()
        try:
            async with asyncio.timeout(10):  # no test hangs
                return await hold([Tier(voters)], REQUEST, rule, deadline_s, news.append)
        finally:
            assert asyncio.all_tasks() == before
            assert all(voter.closed for voter, _ in voters)

    return asyncio.run(main()), news


def words(verdict: Verdict) -> str | None:
    return verdict.winner.answer.text if verdict.winner else None


def test_all_voters_are_asked_for_their_seats() -> None:
    one, other = Scripted("one", ["a", "b"]), Scripted("other", ["b", "b", "c"])
    verdict, news = elect(ALL, (one, 2), (other, 3))
    assert (one.asked, other.asked) == (2, 3)
    assert (words(verdict), verdict.status, verdict.share) == ("b", Status.MAJORITY, 0.6)
    assert (verdict.asked, verdict.cast, verdict.cancelled, verdict.machines) == (5, 5, 0, 2)
    assert (verdict.prompt_tokens, verdict.total_tokens, verdict.degraded) == (11, 15, None)
    assert [step.cast for step in news if step.cast] == [1, 2, 3, 4, 5]
    assert {step.seats for step in news} == {5} and news[0] == Progress(0, 5, 0)


def test_a_decided_vote_stops_everybody() -> None:
    swift, slow = Scripted("swift", ["a", "a", "a", SILENCE]), Scripted("slow", [SILENCE])
    verdict, _ = elect(MAJORITY, (swift, 4), (slow, 1))
    assert (words(verdict), verdict.cast, verdict.cancelled) == ("a", 3, 2)


def test_an_undecided_vote_goes_on() -> None:
    voter = Scripted("v", ["a", "b", "a", "b", "b"])
    verdict, _ = elect(MAJORITY, (voter, 5))
    assert (words(verdict), verdict.cast, verdict.status) == ("b", 5, Status.MAJORITY)


def test_without_early_stop_all_are_heard() -> None:
    voter = Scripted("v", ["a"] * 4 + ["b"])
    verdict, _ = elect(ALL, (voter, 5))
    assert (verdict.cast, verdict.cancelled, len(verdict.groups)) == (5, 0, 2)


def test_seats_that_were_not_granted_are_not_awaited() -> None:
    voter = Scripted("v", ["a", "b", "b", SILENCE], grant=4)
    verdict, _ = elect(MAJORITY, (voter, 9), (Scripted("w", ["b"], grant=1), 9))
    assert (words(verdict), verdict.asked, verdict.cast, verdict.cancelled) == ("b", 18, 4, 1)


def test_a_failing_voter_costs_its_own_ballots_only() -> None:
    broken = Scripted("broken", ["b", EngineError("It broke.")])
    verdict, _ = elect(ALL, (broken, 3), (Scripted("whole", ["a", "a"]), 2))
    assert (words(verdict), verdict.cast, verdict.status) == ("a", 3, Status.MAJORITY)
    assert verdict.degraded == "It broke."


def test_seats_that_failed_are_told_apart_from_cancelled_ones() -> None:
    broken = Scripted("broken", [EngineError("It broke.")])
    verdict, _ = elect(ALL, (broken, 3), (Scripted("whole", ["a", "a"]), 2))
    assert verdict.cancelled == 0


def test_the_seats_of_a_failed_voter_are_not_awaited() -> None:
    broken = Scripted("broken", [EngineError("It broke.")])
    whole = Scripted("whole", ["a", "a", "a", "late"])
    verdict, _ = elect(MAJORITY, (broken, 3), (whole, 4))
    assert (words(verdict), verdict.cast) == ("a", 3)


@pytest.mark.parametrize("error", [EngineError("It broke."), ValueError("a bug")])
def test_when_nobody_can_answer_the_error_is_raised(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        elect(MAJORITY, (Scripted("v", [error]), 3), (Scripted("w", []), 1))


def test_the_deadline_decides_over_what_is_there() -> None:
    voters = (Scripted("v", ["a", SILENCE]), 3), (Scripted("w", [SILENCE]), 2)
    verdict, _ = elect(MAJORITY, *voters, deadline_s=0.05)
    assert (words(verdict), verdict.cast, verdict.cancelled) == ("a", 1, 4)


def test_the_deadline_without_any_ballot_is_no_answer() -> None:
    with pytest.raises(NoAnswer, match=r"within 0\.05 seconds"):
        elect(MAJORITY, (Scripted("v", [SILENCE]), 3), deadline_s=0.05)


def test_an_invalid_ballot_never_wins_but_counts_as_cast() -> None:
    verdict, _ = elect(FASTEST, (Scripted("v", ["  ", "b", SILENCE]), 5))
    assert (words(verdict), verdict.cast, verdict.abstained) == ("b", 2, 1)
    verdict, _ = elect(MAJORITY, (Scripted("v", ["", "", "", "b"]), 4))
    assert (words(verdict), verdict.abstained, verdict.status) == ("b", 3, Status.MAJORITY)


def test_fastest_takes_the_first_answer() -> None:
    verdict, _ = elect(FASTEST, (Scripted("v", ["b", "a", "a"]), 3), (Scripted("w", [SILENCE]), 1))
    assert (words(verdict), verdict.strategy, verdict.cast) == ("b", "fastest", 1)


def test_cancelling_the_election_stops_every_voter() -> None:
    voters = [(Scripted(name, ["a", SILENCE]), 2) for name in "vw"]

    async def main() -> None:
        task = asyncio.create_task(hold([Tier(voters)], REQUEST, MAJORITY))
        for _ in range(99):
            await asyncio.sleep(0)
        assert all(voter.cast == ["a"] and not voter.closed for voter, _ in voters)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert all(voter.closed for voter, _ in voters)


def test_strategies_have_names() -> None:
    assert named("auto", Kind.NUMBER) == ("majority", majority)
    assert named("auto", Kind.TEXT) == ("similarity", similarity)
    assert named("fastest", Kind.TEXT) == ("fastest", fastest)
    with pytest.raises(InvalidRequest, match="nonsense") as caught:
        named("nonsense", Kind.TEXT)
    assert caught.value.param == "swarm.strategy" and "majority" in caught.value.hint


def test_fastest_stops_at_the_first_valid_ballot() -> None:
    poll = Poll("r", TEXT)
    ballot = Ballot(Answer("a"), "v#0", "v", "m", Finish.STOP, 1, 0.1)
    assert not fastest.settled([], 4, poll)
    assert not fastest.settled([Cast(ballot, None)], 4, poll)
    assert fastest.settled([Cast(ballot, Key("text:a"))], 4, poll)
