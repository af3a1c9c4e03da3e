"""The count: winner, status, tie chain, copies, and independence of order and of machines."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Status, ToolCall, Verdict
from local_swarm.swarm.canonical import Asked, Key, Kind
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.stopping import decided
from local_swarm.swarm.strategies import Poll, majority
from local_swarm.swarm.tally import Cast

RULE = Rule("majority", majority, Asked(Kind.NUMBER))
POLL = Poll("r", RULE.asked)
KEYS = ["text:a", "text:a~in other words", "text:b", "tool_call:x", "tool_call:y", None]


def cast(
    key: str | None,
    machine: str = "home",
    model: str = "m",
    confidence: float | None = None,
    seed: int | None = None,
) -> Ballot:
    """A ballot that says its own key, and other words after a tilde."""
    said = key or ""
    calls = (ToolCall("c", said, "{}"),) if said.startswith("tool_call") else ()
    answer = Answer("" if calls else said, calls)
    return Ballot(answer, "v", machine, model, Finish.STOP, 1, 0.1, seed, confidence)


def key_of(ballot: Ballot) -> str | None:
    calls = ballot.answer.tool_calls
    return (calls[0].name if calls else ballot.answer.text.partition("~")[0]) or None


def keyed(ballot: Ballot) -> Cast:
    key = key_of(ballot)
    return Cast(ballot, Key(key) if key else None)


def judge(*ballots: Ballot, request: str = "r", rule: Rule = RULE) -> Verdict:
    return decide(list(map(keyed, ballots)), rule, request, asked=len(ballots), meter=Meter())


def said(verdict: Verdict) -> str | None:
    return key_of(verdict.winner) if verdict.winner else None


@pytest.mark.parametrize(
    ("votes", "status", "winner", "share"),
    [
        ("aab", Status.MAJORITY, "a", 0.6667),
        ("a", Status.MAJORITY, "a", 1.0),
        ("aabc", Status.PLURALITY, "a", 0.5),
        ("aabcd", Status.PLURALITY, "a", 0.4),
        ("aab--", Status.MAJORITY, "a", 0.6667),
        ("aabbc", Status.TIE, None, 0.4),
        ("abc", Status.NO_CONSENSUS, None, 0.3333),
        ("---", Status.NO_ANSWER, None, 0.0),
    ],
)
def test_status(votes: str, status: Status, winner: str | None, share: float) -> None:
    verdict = judge(*(cast(None if vote == "-" else f"text:{vote}") for vote in votes))
    assert (verdict.status, verdict.share) == (status, share)
    assert verdict.abstained == votes.count("-")
    assert verdict.cast == verdict.asked == len(votes)
    if winner:
        assert said(verdict) == f"text:{winner}" == verdict.groups[0].key


def test_when_all_differ_the_most_confident_is_shown() -> None:
    verdict = judge(*(cast(f"text:{at}", confidence=c) for at, c in enumerate((0.25, 0.75, 0.5))))
    assert verdict.status is Status.NO_CONSENSUS
    assert (said(verdict), verdict.confidence) == ("text:1", 0.75)
    copies = [cast("text:a", machine, "m", 0.25, seed=1) for machine in ("home", "p")]
    assert said(judge(*copies, cast("text:b", confidence=0.75))) == "text:b"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # the group on the left wins, however much better the right one is further down the chain
        ([{}, {}, {}], [{"machine": "p", "model": "n", "confidence": 1.0}, {}]),
        ([{"machine": "p"}, {}], [{"model": "n", "confidence": 1.0}, {"confidence": 1.0}]),
        ([{"model": "n"}, {}], [{"confidence": 1.0}, {"confidence": 1.0}]),
        ([{"confidence": 0.75}, {"confidence": 0.75}], [{"confidence": 0.5}, {}]),
    ],
    ids=["weight", "machines", "models", "confidence"],
)
@pytest.mark.parametrize("names", [("text:a", "text:b"), ("text:b", "text:a")])
def test_tie_chain(first: list[dict[str, str]], second: list[dict[str, str]],
                   names: tuple[str, str]) -> None:  # fmt: skip
    ballots = [cast(names[0], **facts) for facts in first]  # type: ignore[arg-type]
    ballots += [cast(names[1], **facts) for facts in second]  # type: ignore[arg-type]
    assert said(judge(*ballots)) == said(judge(*ballots[::-1])) == names[0]


def test_the_last_link_is_a_hash_and_neither_order_nor_length() -> None:
    long = "text:" + "long " * 10
    winners = [
        said(judge(cast("text:b"), cast("text:b"), cast(long), cast(long), request=f"r{at}"))
        for at in range(64)
    ]
    turned = [
        said(judge(cast(long), cast("text:b"), cast(long), cast("text:b"), request=f"r{at}"))
        for at in range(64)
    ]
    assert winners == turned
    assert set(winners) == {"text:b", long}


def test_copies_of_one_seed_weigh_once() -> None:
    copies = [cast("text:a", seed=7), cast("text:a", machine="p", seed=7), cast("text:a", seed=7)]
    verdict = judge(*copies, cast("text:b", seed=8), cast("text:b", seed=9))
    assert said(verdict) == "text:b"
    assert {group.key: (group.votes, group.weight) for group in verdict.groups} == {
        "text:b": (2, 2.0),
        "text:a": (3, 1.0),
    }


def test_who_speaks_for_a_group_does_not_depend_on_order() -> None:
    ballots = [cast(f"text:a~{at}") for at in range(9)]
    assert judge(*ballots).groups == judge(*ballots[::-1]).groups


def test_what_is_no_copy_weighs_in_full() -> None:
    unlike = [cast("text:a"), cast("text:a"), cast("text:a", seed=1), cast("text:a", seed=2)]
    unlike.append(cast("text:a", seed=1, model="n"))
    assert judge(*unlike).groups[0].weight == 5


def test_words_and_tool_calls_are_two_sides() -> None:
    words, call = [cast("text:a"), cast("text:a"), cast("text:b")], [cast("tool_call:x")] * 2
    assert said(judge(*words, *call)) == "text:a"
    assert said(judge(*words[1:], *call, cast("tool_call:y"))) == "tool_call:x"


BALLOTS = st.lists(
    st.builds(
        cast,
        st.sampled_from(KEYS),
        st.sampled_from(["home", "p", "q"]),
        st.sampled_from(["m", "n"]),
        st.sampled_from([None, 0.25, 0.5, 0.75]),
        st.sampled_from([None, 1, 2]),
    ),
    max_size=9,
)


@given(st.data(), BALLOTS, st.text(max_size=3))
def test_order_never_matters(data: st.DataObject, ballots: list[Ballot], request: str) -> None:
    one, other = (
        judge(*b, request=request) for b in (ballots, data.draw(st.permutations(ballots)))
    )
    assert (one.winner and one.winner.answer) == (other.winner and other.winner.answer)
    for field in ("groups", "status", "share", "confidence", "abstained", "machines", "cast"):
        assert getattr(one, field) == getattr(other, field)


@given(st.data(), st.lists(st.sampled_from(["text:a", "text:b", "text:c"]), min_size=1, max_size=9))
def test_how_workers_are_spread_over_machines(data: st.DataObject, keys: list[str]) -> None:
    spread = data.draw(st.lists(st.sampled_from("pqr"), min_size=len(keys), max_size=len(keys)))
    together = judge(*map(cast, keys))
    apart = judge(*map(cast, keys, spread))
    assert apart.status is together.status
    assert sorted(group.weight for group in apart.groups) == sorted(
        group.weight for group in together.groups
    )
    most = max(keys.count(key) for key in keys)
    best = {key for key in keys if keys.count(key) == most}
    if len(best) == 1:
        assert said(apart) == said(together) == best.pop()
    elif apart.status is Status.TIE:
        reach = {
            key: len({m for k, m in zip(keys, spread, strict=True) if k == key}) for key in best
        }
        winner = said(apart)
        assert winner is not None and reach[winner] == max(reach.values())


@given(BALLOTS, st.integers(0, 3))
def test_a_settled_winner_cannot_change(ballots: list[Ballot], out: int) -> None:
    if not majority.settled(list(map(keyed, ballots)), out, POLL):
        return
    winner = said(judge(*ballots))
    for rest in product([*KEYS, "text:new", "tool_call:new"], repeat=out):
        assert said(judge(*ballots, *map(cast, rest))) == winner


@given(st.lists(st.integers(1, 6), max_size=4), st.integers(0, 5))
def test_decided_stops_as_early_as_it_can(weights: list[int], out: int) -> None:
    weights.sort(reverse=True)
    rivals = [*weights[1:], 0]
    safe = bool(weights) and all(weights[0] > rival + out for rival in rivals)
    casts = [Cast(cast("x"), Key(f"text:{at}"), float(w)) for at, w in enumerate(weights)]
    assert (decided(casts, out, None) is not None) is safe
