"""Waves and further rounds: who is asked when the first ballots do not settle the question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from local_swarm.ballot import Status, Verdict
from local_swarm.chat import ChatRequest
from local_swarm.errors import EngineError
from local_swarm.swarm.canonical import Asked, Kind
from local_swarm.swarm.election import Rule, Tier, hold
from local_swarm.swarm.strategies import majority, quality, similarity

from .scripted import SILENCE, Scripted

NUMBER = Rule("majority", majority, Asked(Kind.NUMBER))
REQUEST = ChatRequest("r", ({"role": "user", "content": "how many?"},))


def elect(rule: Rule, *tiers: Tier, deadline_s: float = 20.0, **extra: Any) -> Verdict:
    return asyncio.run(hold(tiers, REQUEST, rule, deadline_s, **extra))


def tier(name: str, script: list[str | Exception], seats: int = 0, **extra: Any) -> Tier:
    voter = Scripted(name, script, machine="home", of_model=extra.pop("model", "m"))
    return Tier([(voter, seats or len(script))], name, **extra)


def asked(of: Tier) -> int:
    voter = of.voters[0][0]
    assert isinstance(voter, Scripted)
    return voter.asked


def number(verdict: Verdict) -> str | None:
    return verdict.winner.answer.text if verdict.winner else None


def test_agreement_asks_nobody_else() -> None:
    more = tier("more", ["9", "9", "9"], if_unsure=True)
    verdict = elect(NUMBER, tier("first", ["7", "7", "8"]), more)
    assert (number(verdict), asked(more), len(verdict.rounds)) == ("7", 0, 1)


def test_a_disagreement_asks_on_and_the_verdict_says_what_it_changed() -> None:
    more = tier("more", ["8", "8", "7"], if_unsure=True)
    verdict = elect(NUMBER, tier("first", ["7", "8", "9", "7"]), more)
    assert number(verdict) == "8" or verdict.status is Status.TIE
    assert (asked(more), verdict.asked) == (3, 7)
    before, after = verdict.rounds
    assert (before.name, before.status, before.share) == ("first", Status.PLURALITY, 0.5)
    assert before.winner == "number:7" and dict(before.asked) == {"first": 4}
    assert (after.name, dict(after.asked)) == ("more", {"more": 3})
    assert after.status is verdict.status


def test_the_second_round_counts_together_with_the_first() -> None:
    more = tier("more", ["8", "8", "8", SILENCE], if_unsure=True)
    verdict = elect(NUMBER, tier("first", ["7", "8", "9", "7"]), more)
    groups = {group.key: group.votes for group in verdict.groups}
    assert groups == {"number:8": 4, "number:7": 2, "number:9": 1}
    assert (verdict.cast, verdict.cancelled, verdict.status) == (7, 1, Status.MAJORITY)


def test_free_text_that_differs_is_no_reason_to_ask_on() -> None:
    rule = Rule("similarity", similarity, Asked(Kind.TEXT))
    more = tier("more", ["x"], if_unsure=True)
    words: list[str | Exception] = ["Hens lay eggs.", "The sea is deep.", "Iron rusts."]
    verdict = elect(rule, tier("first", words), more)
    assert (verdict.status, asked(more)) == (Status.NO_CONSENSUS, 0)


def test_a_wave_that_decides_saves_the_next() -> None:
    rest = tier("rest", ["7", "7"])
    verdict = elect(NUMBER, tier("first", ["7", "7", "7"]), rest)
    assert (asked(rest), verdict.status, verdict.cast) == (0, Status.MAJORITY, 3)


def test_a_wave_that_leaves_it_open_is_followed_by_the_next() -> None:
    rest = tier("rest", ["8", "8"])
    verdict = elect(NUMBER, tier("first", ["7", "7", "8"]), rest)
    assert (asked(rest), number(verdict), verdict.cast) == (2, "8", 5)
    assert [r.name for r in verdict.rounds] == ["first", "rest"]


def test_what_was_decided_early_is_what_all_would_have_decided() -> None:
    early = elect(NUMBER, tier("first", ["7", "7", "7"]), tier("rest", ["8", "8"]))
    late = Rule("majority", majority, NUMBER.asked, early_stop=False)
    full = elect(late, tier("first", ["7", "7", "7"]), tier("rest", ["8", "8"]))
    assert number(early) == number(full) == "7"
    assert (early.cast, full.cast) == (3, 5)


def test_a_failing_second_round_costs_nothing() -> None:
    more = tier("more", [EngineError("It broke.")], 3, if_unsure=True, model="n")
    verdict = elect(NUMBER, tier("first", ["7", "8", "9"]), more)
    assert verdict.status is Status.NO_CONSENSUS and verdict.winner
    assert [one.why for one in verdict.absent] == ["It broke."]


def test_when_the_first_engine_fails_another_model_is_asked() -> None:
    same = tier("same", ["1"], if_unsure=True)
    other = tier("other", ["7", "7", "7"], if_unsure=True, model="n")
    verdict = elect(NUMBER, tier("first", [EngineError("It broke.")], 3), same, other)
    assert (number(verdict), asked(same), asked(other)) == ("7", 0, 3)


def test_the_deadline_ends_a_second_round_with_what_is_there() -> None:
    more = tier("more", ["8", SILENCE], 3, if_unsure=True)
    verdict = elect(NUMBER, tier("first", ["7", "8", "9"]), more, deadline_s=0.5)
    assert number(verdict) == "8"
    assert [one.why for one in verdict.absent] == ["not finished by the deadline"]
    assert [r.name for r in verdict.rounds] == ["first", "more"]


SIDE = Asked(Kind.TEXT, tools={"wipe": None}, side_effects=frozenset({"wipe"}))


def test_a_call_that_changes_something_needs_more_than_half_of_all_workers() -> None:
    rule = Rule("majority", majority, SIDE)
    script: list[str | Exception] = ['wipe({"a":1})', 'wipe({"a":1})', 'wipe({"a":2})', ""]
    more = tier("more", ['wipe({"a":1})'] * 4, if_unsure=True)
    alone = elect(rule, tier("first", script))
    assert alone.status is Status.ESCALATE and alone.groups[0].votes == 2
    verdict = elect(rule, tier("first", script), more)
    assert (verdict.status, verdict.groups[0].votes) == (Status.MAJORITY, 5)
    assert verdict.cancelled == 1  # five of eight are enough


def test_a_call_that_changes_nothing_does_not() -> None:
    rule = Rule("majority", majority, Asked(Kind.TEXT, tools={"look": None}))
    verdict = elect(rule, tier("first", ["look({})", "look({})", 'look({"a":1})', ""]))
    assert verdict.status is Status.MAJORITY


def test_refusals_win_only_with_more_than_half() -> None:
    no = "I'm sorry, I can't help with that."
    verdict = elect(NUMBER, tier("first", [no, no, "8", "8", "9"]))
    assert (number(verdict), verdict.status, verdict.share) == ("8", Status.MAJORITY, 0.6667)
    verdict = elect(NUMBER, tier("first", [no, no, no, "8"]))
    assert (number(verdict), verdict.status) == (no, Status.MAJORITY)


def test_a_refusal_that_comes_late_is_reckoned_with() -> None:
    """Two answers that agree are not enough while three refusals may come."""
    no = "I cannot do that."
    verdict = elect(NUMBER, tier("first", [no, "8", no, no, SILENCE], 5))
    assert (number(verdict), verdict.cast, verdict.cancelled) == (no, 4, 1)


@pytest.mark.parametrize("epsilon, cast", [(0.0, 7), (0.2, 5)])
def test_an_epsilon_stops_a_little_earlier(epsilon: float, cast: int) -> None:
    rule = Rule("majority", majority, NUMBER.asked, epsilon=epsilon)
    verdict = elect(rule, tier("v", ["7", "7", "8", "7", "9", "7", "7", "8", "8"]))
    assert (number(verdict), verdict.cast) == ("7", cast)


def test_quality_hears_all() -> None:
    rule = Rule("quality", quality, Asked(Kind.TEXT))
    verdict = elect(rule, tier("v", ["a whole sentence.", "a whole sentence.", "a word"]))
    assert verdict.cast == 3


def test_what_stopping_saved_is_estimated() -> None:
    verdict = elect(NUMBER, tier("v", ["7", "7", "7", SILENCE, SILENCE]))
    assert (verdict.cast, verdict.cancelled, verdict.saved_tokens) == (3, 2, 6)
