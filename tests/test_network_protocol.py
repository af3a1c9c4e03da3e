"""What another machine sends is taken whole or not at all, and never raises anything else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, ToolCall
from local_swarm.chat import ChatRequest, SwarmOptions
from local_swarm.network import protocol
from local_swarm.network.protocol import NotUnderstood, read_line, read_question, write_line

REQUEST = ChatRequest(
    "chatcmpl-1",
    ({"role": "user", "content": "How many?"},),
    tools=({"type": "function", "function": {"name": "f"}},),
    tool_choice="auto",
    max_tokens=64,
    sampling={"temperature": 0.7, "seed": 3, "stop": ["x"], "n_probs": 9},
    swarm=SwarmOptions(seats=3, scope="lan"),
)
GOOD = json.loads(protocol.question(REQUEST, 3, 2.5, "m"))


def test_a_question_arrives_as_it_was_asked_and_goes_no_further() -> None:
    asked = read_question(protocol.question(REQUEST, 3, 2.5, "m"))
    assert (asked.seats, asked.deadline_ms, asked.model, asked.hop) == (3, 2500, "m", 1)
    told = asked.request()
    assert (told.id, told.messages, told.tools) == (REQUEST.id, REQUEST.messages, REQUEST.tools)
    assert (told.max_tokens, told.tool_choice) == (64, "auto")
    assert told.sampling == {"temperature": 0.7, "seed": 3, "stop": ["x"]}  # what is known of it
    assert told.swarm.local_only and told.swarm.scope == "local"


WRONG: dict[str, Any] = {
    "id": "", "protocol": "1", "hop": 2, "deadline_ms": 0, "seats": 65, "model": "",
    "messages": [], "tools": {}, "max_tokens": 0, "sampling": {"temperature": "hot"},
    "tool_choice": 3, "response_format": [],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named_and_its_content_is_not(name: str) -> None:
    with pytest.raises(NotUnderstood, match=name):
        read_question(json.dumps(GOOD | {name: WRONG[name]}).encode())


@pytest.mark.parametrize(
    "more",
    [
        {"id": "a b"}, {"id": "x" * 129}, {"hop": -1}, {"deadline_ms": 1e3}, {"seats": True},
        {"deadline_ms": 300_001}, {"max_tokens": 1 << 40}, {"messages": [{"role": "root"}]},
        {"messages": ["hi"]}, {"messages": [{"content": "hi"}]},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "http:"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": {}}]}]},
        {"sampling": {"seed": 1.5}}, {"sampling": {"temperature": 1e10}},
        {"sampling": {"grammar": "x" * 70_000}}, {"sampling": {"logit_bias": {"1": "no"}}},
        {"sampling": {"stop": ["x"] * 33}},
    ],
)  # fmt: skip
def test_what_a_question_may_not_hold(more: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        read_question(json.dumps(GOOD | more).encode())


def test_pictures_and_giants_are_not_sent() -> None:
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    for message in (picture, {"role": "user", "content": "x" * protocol.MAX_BODY}):
        with pytest.raises(NotUnderstood):
            protocol.question(ChatRequest("r", (message,)), 1, None, None)


def test_no_deadline_is_the_longest() -> None:
    assert read_question(protocol.question(REQUEST, 1, None, None)).deadline_ms == 300_000
    assert read_question(protocol.question(REQUEST, 1, 1e9, None)).deadline_ms == 300_000


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["kind", "seat", "tokens", "role", "content", "text", "hash", "seats"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=64) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_politely(data: bytes) -> None:
    for read in (read_line, read_question):
        try:
            read(data)
        except NotUnderstood as error:
            assert len(str(error)) < 200


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_any_value_of_any_field_is_taken_or_refused(name: str, value: Any) -> None:
    with contextlib.suppress(NotUnderstood):
        read_question(json.dumps(GOOD | {name: value}).encode()).request()


@given(
    st.text(max_size=40), st.lists(st.text(max_size=9), max_size=2),
    st.none() | st.floats(0, 1), st.sampled_from(Finish), st.integers(0, 63),
)  # fmt: skip
def test_every_ballot_comes_through_with_its_hash(
    text: str, calls: list[str], sure: float | None, finish: Finish, seat: int
) -> None:
    answer = Answer(text, tuple(ToolCall("c", "f", call) for call in calls), "hm")
    ballot = Ballot(answer, "v", "m", "m", finish, 7, 0.5, None, sure)
    sent = protocol.Cast.of(ballot, seat, "0" * 32)
    got = read_line(write_line(sent).rstrip())
    assert isinstance(got, protocol.Cast)
    assert got.digest("r") == sent.digest("r") != sent.digest("r2")
    assert (got.answer, got.ended, got.confidence) == (answer, finish, sure)


def test_halves_of_pairs_and_endless_answers_are_mended() -> None:
    sent = protocol.Cast.of(
        Ballot(Answer("\ud800" + "x" * 200_000), "v", "m", "m", Finish.STOP, 1 << 40, 0.1),
        0,
        "0" * 32,
    )
    got = read_line(write_line(sent).rstrip())
    assert isinstance(got, protocol.Cast)
    assert got.text.startswith("?x") and got.ended is Finish.LENGTH  # cut off: it abstains
    assert got.tokens == protocol.MAX_TOKENS


@pytest.mark.parametrize(
    "more",
    [{"seat": 64}, {"seat": -1}, {"seat": True}, {"salt": "z" * 32}, {"finish": "bored"},
     {"confidence": 1.1}, {"tokens": 1 << 30}, {"model": "a\x1b[2J"}, {"model": ""},
     {"text": 5}, {"tool_calls": [{"id": "c", "name": "f"}]}, {"tool_calls": [0] * 65}],
)  # fmt: skip
def test_what_a_ballot_may_not_hold(more: dict[str, Any]) -> None:
    told = Ballot(Answer("5"), "v", "m", "m", Finish.STOP, 3, 0.1)
    good = json.loads(write_line(protocol.Cast.of(told, 0, "0" * 32)))
    assert read_line(json.dumps(good | {"later": 1}).encode())  # a newer machine says more
    with pytest.raises(NotUnderstood):
        read_line(json.dumps(good | more).encode())
