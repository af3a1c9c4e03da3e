"""What a hostile reader of the vote tried, and what must not work again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Status, ToolCall, Verdict
from local_swarm.chat import ChatRequest
from local_swarm.swarm.canonical import Asked, Kind, key_of
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.election import Tier, hold
from local_swarm.swarm.manager import _in_words
from local_swarm.swarm.stopping import decided
from local_swarm.swarm.strategies import named
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME, Caps

from .conftest import Running
from .scripted import SILENCE, Scripted

REQUEST = ChatRequest("r", ({"role": "user", "content": "?"},))
REFUSAL = "I'm sorry, I can't help with that."
HARD = "What is 387 + 468 - 199 + 577 - 288 + 764?"


def ballot(said: str, machine: str = HOME, seed: int | None = None, model: str = "m") -> Ballot:
    name, opened, rest = said.partition("({")
    answer = Answer("", (ToolCall("c", name, "{" + rest[:-1]),)) if opened else Answer(said)
    return Ballot(answer, "v", machine, model, Finish.STOP, 3, 0.1, seed)


def rule_of(kind: Kind, name: str = "majority", **more: Any) -> Rule:
    changing = more.pop("changing", frozenset())
    chosen, strategy = named(name, kind)
    return Rule(chosen, strategy, Asked(kind, side_effects=changing), **more)


def judge(ballots: Sequence[Ballot], rule: Rule) -> Verdict:
    casts = [Cast(b, key_of(rule.asked, b), rule.weight(b.model)) for b in ballots]
    return decide(casts, rule, "r", asked=len(casts), meter=Meter())


def said(verdict: Verdict) -> str | None:
    return verdict.winner.answer.text if verdict.winner else None


def test_what_floats_are_off_by_is_no_lead() -> None:
    """Three against two of 0.4 each, one out: 1.2 - 0.8 is more than 0.4, as floats go."""
    rule = rule_of(Kind.NUMBER, weights={"m": 0.4, "n": 1.0})
    ballots = [ballot("5"), ballot("5"), ballot("5"), ballot("6"), ballot("6")]
    casts = [Cast(b, key_of(rule.asked, b), 0.4) for b in ballots]
    assert decided(casts, 0.4, None) is None
    assert decided(casts, 0.39, None) is not None
    assert judge([*ballots, ballot("6")], rule).status is Status.TIE


def test_copies_at_home_do_not_make_home_of_one_mind() -> None:
    copies = [ballot("The answer is 6", seed=1)] * 3
    others = [ballot("The answer is 5", seed=2), ballot("The answer is 5", seed=3)]
    told = judge([*copies, *others], rule_of(Kind.NUMBER, caps=Caps()))
    assert said(told) == "The answer is 5" and told.status is Status.MAJORITY


def test_of_two_copies_it_does_not_matter_which_came_first() -> None:
    sure = replace(ballot("The answer is 5", "q", 1), confidence=0.5)
    told = [
        sure, replace(sure, confidence=None), ballot("The answer is 5"), ballot("#### 6", "p"),
        replace(ballot("#### 6"), confidence=0.25),
    ]  # fmt: skip
    for name in ("a", "b", "c", "d"):
        rule, casts = rule_of(Kind.NUMBER), []
        for one in (told, [told[1], told[0], *told[2:]]):
            casts.append([Cast(b, key_of(rule.asked, b)) for b in one])
        first, other = (decide(c, rule, name, asked=5, meter=Meter()) for c in casts)
        assert (said(first), first.groups) == (said(other), other.groups)


def test_a_proven_peer_is_silent_with_all_its_workers() -> None:
    rule = rule_of(Kind.TEXT, caps=Caps(proven=frozenset({"p"})), changing=frozenset({"wipe"}))
    silent = [ballot("", machine="p")] * 3
    calls = [ballot('wipe({"a": 1})', seed=n) for n in range(3)]
    assert judge([*calls, *silent], rule).status is Status.ESCALATE
    assert judge([*calls, *silent[1:]], rule).status is Status.MAJORITY


def test_a_peer_cannot_fill_the_fields_of_json() -> None:
    """Assembling counts what the groups weigh: caps bind, copies are one."""
    home = ['{"a": 1, "b": 1}', '{"a": 1, "b": 2}', '{"a": 2, "b": 1}']
    flood = [ballot('{"a": 9, "b": 9}', machine="evil")] * 50
    capped = judge([*map(ballot, home), *flood], rule_of(Kind.JSON, caps=Caps()))
    assert said(capped) != '{"a": 9, "b": 9}'
    copies = [ballot('{"a": 9, "b": 9}', seed=7)] * 50
    once = judge([*map(ballot, home), *copies], rule_of(Kind.JSON))
    assert said(once) != '{"a": 9, "b": 9}'
    assert said(judge([*map(ballot, home)], rule_of(Kind.JSON))) == '{"a": 1, "b": 1}'


def test_a_vote_for_calls_is_not_overruled_by_assembled_words() -> None:
    calls = [ballot(f'f({{"a": {n}}})') for n in range(3)]
    words = [ballot('{"x": 1}'), ballot('{"x": 1}')]
    told = judge([*calls, *words], rule_of(Kind.JSON))
    assert told.winner is not None and told.winner.answer.tool_calls and not told.assembled


def test_the_fastest_answer_is_no_refusal() -> None:
    voters = [Scripted("a", [REFUSAL]), Scripted("b", ["The answer is 5", SILENCE])]
    rule = rule_of(Kind.NUMBER, "fastest")

    told = elect([Tier([(voters[0], 1), (voters[1], 2)])], rule)
    assert said(told) == "The answer is 5"


def test_a_call_without_majority_gives_way_to_the_heaviest_words() -> None:
    rule = rule_of(Kind.TEXT, changing=frozenset({"wipe"}))
    calls = [ballot('wipe({"a": 1})'), ballot('wipe({"a": 1})'), ballot('wipe({"a": 2})'),
             ballot('wipe({"a": 3})')]  # fmt: skip
    words = [replace(ballot(REFUSAL), confidence=0.9), ballot("Shall I?")]
    told = judge([*calls, *words], rule)
    assert told.status is Status.ESCALATE
    assert said(_in_words(told)) == "Shall I?"


def elect(tiers: Sequence[Tier], rule: Rule) -> Verdict:
    async def main() -> Verdict:
        async with asyncio.timeout(10):
            return await hold(tiers, REQUEST, rule)

    return asyncio.run(main())


@pytest.mark.parametrize("name", ["majority", "similarity", "fastest"])
def test_a_call_that_changes_something_waits_for_its_majority_of_all(name: str) -> None:
    """Five of nine workers agree, three abstain: more than half of the valid is not enough."""
    call = 'wipe({"a": 1})'
    script = [call, call, "", "", "", 'look({"b": 1})', call, call, call]
    rule = rule_of(Kind.TEXT, name, changing=frozenset({"wipe"}))
    told = elect([Tier([(Scripted("a", script), 9)])], rule)
    assert (told.status, told.groups[0].votes) == (Status.MAJORITY, 5)


@pytest.mark.parametrize(
    "words",
    ["I won't be able to help with that.", "I will not be able to assist you with this request."],
)
def test_refusals_in_the_future_tense(words: str) -> None:
    key = key_of(Asked(Kind.NUMBER), ballot(words))
    assert key is not None and key.value == "refusal:"


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("16 - 3 - 4 = 9\n9 * 2 = 18\nShe makes $18 every day.", "number:18 $"),
        ("1. Add 3 and 4.\n2. Multiply by 2.\n\nThe result is 14.", "number:14"),
        ("- 9 eggs\n- 2 dollars each\nThat makes 18 dollars every single day.", "number:18 $"),
        ("18\n\nShe sells 9 eggs for 2 dollars each.", "number:18"),
        ("The answer is 2 * 10^(-3)", "number:1/500"),
        ("The answer is 2^(10)", "number:1024"),
    ],
)
def test_the_first_step_is_not_the_answer(words: str, value: str) -> None:
    key = key_of(Asked(Kind.NUMBER), ballot(words))
    assert key is not None and key.value == value


@pytest.mark.parametrize("words", ["so \\boxed{4", "so \\boxed{\\frac{1}{2", "it is \\boxed{"])
def test_a_box_that_was_cut_off_is_no_answer(words: str) -> None:
    cut = replace(ballot(words), finish=Finish.LENGTH)
    assert key_of(Asked(Kind.NUMBER), cut) is None
    whole = replace(ballot("\\boxed{4} because"), finish=Finish.LENGTH)
    assert key_of(Asked(Kind.NUMBER), whole) is not None


def test_with_a_seed_the_second_round_draws_anew(node: Running) -> None:
    """It would repeat the first word for word, and copies count once."""
    extra = {"temperature": 1.6, "seed": 5, "max_tokens": 96}
    told = node.chat(HARD, swarm={"seats": 4, "include_ballots": True}, **extra).json()["swarm"]
    assert len(told["rounds"]) == 2
    texts = [one["text"] for one in told["details"]]
    assert len(set(texts)) > len(texts) / 2 + 1
