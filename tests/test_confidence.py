"""Ballots that weigh by how sure their worker was."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Status, ToolCall, Verdict
from local_swarm.swarm.canonical import Asked, Kind, key_of
from local_swarm.swarm.confidence import by_confidence
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.strategies import AUTO, named
from local_swarm.swarm.tally import Cast

ASKED = Asked(Kind.NUMBER)


def cast(said: str, sure: float | None, *, call: bool = False, machine: str = "home") -> Cast:
    calls = (ToolCall("c", "read_file", f'{{"path": "{said}"}}'),) if call else ()
    answer = Answer("" if call else f"Answer: {said}", calls)
    asked = Asked(Kind.TEXT, tools={"read_file": None}) if call else ASKED
    ballot = Ballot(answer, f"{machine}/m", machine, "m", Finish.STOP, 5, 1.0, confidence=sure)
    return Cast(ballot, key_of(asked, ballot))


def held(casts: list[Cast], *, sure: bool = True) -> Verdict:
    rule = Rule(*named(AUTO, Kind.NUMBER), ASKED, by_confidence=sure)
    return decide(casts, rule, "r", asked=len(casts), meter=Meter())


def said(verdict: Verdict) -> str:
    assert verdict.winner
    return verdict.winner.answer.text


def test_two_sure_workers_outweigh_three_that_guess() -> None:
    casts = [cast("5", 0.99), cast("5", 0.98), *(cast("6", 0.4 + at / 100) for at in range(3))]
    assert said(held(casts)) == "Answer: 5"
    assert said(held(casts, sure=False)) == "Answer: 6"


def test_nobody_weighs_more_than_sixteen_times_as_much_as_another() -> None:
    casts = [cast("5", 1.0), *(cast("6", 0.01) for _ in range(20))]
    weights = [one.weight for one in by_confidence(casts)]
    assert weights[0] == 4 and 0.25 <= min(weights) < 1
    assert said(held(casts)) == "Answer: 6"


def test_workers_without_a_confidence_weigh_as_before() -> None:
    casts = [cast("5", None), cast("6", None), cast("6", None)]
    assert by_confidence(casts) == casts
    assert held(casts).status is Status.MAJORITY


def test_calls_are_decided_by_heads() -> None:
    casts = [cast("a", 0.99, call=True), *(cast("b", 0.1, call=True) for _ in range(2))]
    assert by_confidence(casts) == casts


@given(
    st.lists(st.tuples(st.sampled_from("567"), st.floats(0, 1)), min_size=1, max_size=9),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_ballots_does_not_matter(
    ballots: list[tuple[str, float]], random: Random
) -> None:
    casts = [cast(*one) for one in ballots]
    turned = list(casts)
    random.shuffle(turned)
    assert held(turned).groups[0].key == held(casts).groups[0].key
    assert held(turned).status is held(casts).status
