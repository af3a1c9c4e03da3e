"""What holds for every vote, whatever is said: laws of the count, for every strategy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Status, ToolCall, Verdict
from local_swarm.swarm.canonical import Asked, Kind, key_of
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.strategies import NAMES, named
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME, Caps

SAID = [
    "The answer is 18.", "#### 18", "18 eggs", "The answer is 26", "\\boxed{3.5}", "B", "(B) it is",
    "I'm sorry, I can't help with that.", "Yes, it is.", "No, it is not.", "", "  ",
    "The sea is deep and blue.", "The sea is blue and deep.", '{"a": 1}', '{"a": 1.0}',
    "```python\ndef f(x):\n    return x\n```", "```python\ndef f(y):\n    return y\n```",
]  # fmt: skip
CALLS = ["", '{"a": 1}', '{"a": 1.0}', '{"a": 2}', "{broken"]
BALLOTS = st.builds(
    lambda text, call, machine, model, seed, confidence, finish, seconds: Ballot(
        Answer("", (ToolCall("c", "wipe", call),)) if call else Answer(text),
        "v", machine, model, finish, 3, seconds, seed, confidence,
    ),
    st.sampled_from(SAID) | st.text(max_size=12),
    st.sampled_from(["", "", "", *CALLS]),
    st.sampled_from([HOME, HOME, "p", "q", "r"]),
    st.sampled_from(["m", "n"]),
    st.sampled_from([None, None, 1, 2]),
    st.sampled_from([None, 0.25, 0.5, 0.75]),
    st.sampled_from([Finish.STOP, Finish.STOP, Finish.LENGTH, Finish.ERROR]),
    st.sampled_from([0.1, 0.2, 0.3]),
)  # fmt: skip
CAPS = st.sampled_from([None, Caps(), Caps(peer=3), Caps(peer=9, proven=frozenset({"p"}))])
WEIGHTS = st.sampled_from([{}, {"m": 1.0, "n": 0.5}])
RULES = st.builds(
    lambda name, kind, caps, weights: Rule(
        *named(name, kind),
        Asked(kind, tools={"wipe": None}, side_effects=frozenset({"wipe"})),
        caps=caps,
        weights=weights,
        threshold=0.6,
    ),
    st.sampled_from(NAMES), st.sampled_from(Kind), CAPS, WEIGHTS,
)  # fmt: skip
COUNTING = ("majority", "similarity")


def judge(ballots: list[Ballot], rule: Rule) -> Verdict:
    casts = [Cast(b, key_of(rule.asked, b), rule.weight(b.model)) for b in ballots]
    return decide(casts, rule, "r", asked=len(casts), meter=Meter())


def outcome(verdict: Verdict) -> tuple[object, ...]:
    won = verdict.winner
    return (
        won and (won.answer, won.machine, won.model),
        verdict.status, verdict.share, verdict.groups, verdict.abstained,
    )  # fmt: skip


@given(st.data(), st.lists(BALLOTS, max_size=9), RULES)
def test_the_order_of_ballots_never_matters(
    data: st.DataObject, ballots: list[Ballot], rule: Rule
) -> None:
    turned = data.draw(st.permutations(ballots))
    assert outcome(judge(ballots, rule)) == outcome(judge(turned, rule))


@given(st.lists(BALLOTS, max_size=8), BALLOTS, RULES)
def test_an_abstention_never_changes_who_wins(
    ballots: list[Ballot], other: Ballot, rule: Rule
) -> None:
    silent = replace(other, answer=Answer(""), finish=Finish.ERROR)
    one, more = judge(ballots, rule), judge([*ballots, silent], rule)
    if one.status is not Status.NO_ANSWER:
        assert one.winner == more.winner and one.groups == more.groups
        # but a call that changes something needs more than half of all, the silent included
        assert one.share == more.share
        assert one.status is more.status or more.status is Status.ESCALATE


@given(st.lists(BALLOTS, min_size=1, max_size=8), RULES, st.sampled_from([HOME, "p", "r"]))
def test_a_vote_for_the_winner_never_dethrones_it(
    ballots: list[Ballot], rule: Rule, machine: str
) -> None:
    before = judge(ballots, rule)
    if rule.name not in COUNTING or not before.groups or before.assembled:
        return
    assert before.winner is not None
    key = before.groups[0].key
    again = replace(before.winner, machine=machine, seed=None)
    after = judge([*ballots, again], rule)
    assert after.groups[0].key == key


@given(st.data(), st.lists(BALLOTS, max_size=9), RULES)
def test_how_workers_are_spread_over_machines_changes_no_weight(
    data: st.DataObject, ballots: list[Ballot], rule: Rule
) -> None:
    """While no cap binds, ballots from many rooms weigh what they weigh in one."""
    free = replace(rule, caps=None)
    machines = data.draw(st.lists(st.sampled_from("abc"), min_size=9, max_size=9))
    spread = [replace(b, machine=m) for b, m in zip(ballots, machines, strict=False)]
    together = [replace(b, machine=HOME) for b in ballots]
    one, other = judge(together, free), judge(spread, free)
    assert {g.key: g.weight for g in one.groups} == {g.key: g.weight for g in other.groups}
    if one.status is Status.MAJORITY and rule.name in COUNTING:
        assert other.status is Status.MAJORITY and other.groups[0].key == one.groups[0].key


@given(st.lists(BALLOTS, max_size=9), RULES)
def test_caps_hold_in_every_verdict(ballots: list[Ballot], rule: Rule) -> None:
    verdict = judge(ballots, rule)
    counted = sum(group.weight for group in verdict.groups)
    if rule.caps is None or not any(
        b.machine == HOME and verdict.keys.get(at) for at, b in enumerate(ballots)
    ):
        return
    peers = {b.machine for b in ballots} - {HOME}
    home = sum(
        rule.weight(b.model)
        for at, b in enumerate(ballots)
        if b.machine == HOME and verdict.keys.get(at)
    )
    assert counted <= home + sum(
        max(rule.caps.peer, counted / 3 if p in rule.caps.proven else 0) for p in peers
    ) + 1e-6  # fmt: skip


@given(st.lists(st.binary(max_size=40), max_size=6), RULES)
def test_random_bytes_raise_nothing(said: list[bytes], rule: Rule) -> None:
    texts = [text.decode("utf-8", "surrogateescape") for text in said]
    ballots = [Ballot(Answer(t), "v", HOME, "m", Finish.STOP, 1, 0.1) for t in texts]
    verdict = judge(ballots, rule)
    assert (verdict.winner is None) == (not ballots)


@pytest.mark.parametrize("name", NAMES)
def test_no_strategy_prefers_length(name: str) -> None:
    short, long = (
        "The sea is deep.",
        (
            "The sea is deep. Its floor lies thousands of metres down, where no light comes and "
            "the water is nearly as cold as ice. Few ships have gone there."
        ),
    )
    asked = Asked(Kind.TEXT)
    rule = Rule(*named(name, Kind.TEXT), asked)
    ballots = [
        Ballot(Answer(text), "v", HOME, "m", Finish.STOP, 1, seconds=0.1, confidence=sure)
        for text, sure in ((short, 0.9), (long, 0.5))
    ]
    assert judge(ballots, rule).winner == ballots[0]
    swapped = [replace(ballots[0], confidence=0.5), replace(ballots[1], confidence=0.9)]
    if name != "fastest":
        assert judge(swapped, rule).winner == swapped[1]


def test_quality_without_confidences_follows_the_many() -> None:
    asked = Asked(Kind.NUMBER)
    said = ["Answer: 4", "Answer: 5", "Answer: 6", "Answer: 5"]
    for request in ("r", "s", "t", "u"):
        ballots = [Ballot(Answer(text), "v", HOME, "m", Finish.STOP, 1, 0.1) for text in said]
        casts = [Cast(b, key_of(asked, b)) for b in ballots]
        rule = Rule(*named("quality", Kind.NUMBER), asked)
        verdict = decide(casts, rule, request, asked=4, meter=Meter())
        assert verdict.groups[0].key == "number:5"


def test_json_that_was_asked_for_in_words_is_compared_by_value() -> None:
    said = ['{"a": 1, "b": 2}', '```json\n{"b": 2.0, "a": 1}\n```', '{"a": 1, "b": 3}']
    ballots = [Ballot(Answer(text), "v", HOME, "m", Finish.STOP, 1, 0.1) for text in said]
    asked = Asked(Kind.TEXT, question="Give me an object with a and b as JSON")
    rule = Rule(*named("auto", Kind.TEXT), asked)
    assert [group.votes for group in judge(ballots, rule).groups] == [2, 1]
