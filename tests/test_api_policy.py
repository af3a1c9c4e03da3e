"""Seats by policy, and messages and tools in the form that templates take. Pure."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.api.conversation import chosen, ordered
from local_swarm.api.policy import LIGHT_TOKENS, Load, settle
from local_swarm.chat import ChatRequest, SwarmOptions, text_of

from .conftest import SUM, Running

IDLE = Load(slots=10, busy=0, queue=0)
USER = ({"role": "user", "content": "What is 17 + 25?"},)


def request(**fields: Any) -> ChatRequest:
    return ChatRequest(id="r", **{"messages": USER, **fields})


def seats(asked: ChatRequest, load: Load = IDLE, choices: int = 1) -> int | None:
    return settle(asked, default=5, load=load, choices=choices).request.swarm.seats


@pytest.mark.parametrize(
    ("busy", "queue", "expected"),
    [(0, 0, None), (5, 0, None), (6, 0, 4), (7, 0, 3), (8, 0, 1), (9, 0, 1), (10, 0, 3),
     (10, 1, 1), (4, 2, 1)],
)  # fmt: skip
def test_seats_shrink_before_anyone_waits(busy: int, queue: int, expected: int | None) -> None:
    settled = settle(request(), default=5, load=Load(10, busy, queue))
    assert settled.request.swarm.seats == expected
    assert (settled.why is None) == (expected is None)


@given(
    busy=st.integers(0, 20), queue=st.integers(0, 3), default=st.integers(1, 20),
    limit=st.none() | st.integers(1, 100),
)  # fmt: skip
def test_two_seats_are_never_chosen(busy: int, queue: int, default: int, limit: int | None) -> None:
    settled = settle(request(max_tokens=limit), default=default, load=Load(20, busy, queue))
    got = settled.request.swarm.seats or default
    assert got <= default
    assert got != 2 or default == 2


def test_what_the_request_asks_for_holds() -> None:
    full = Load(slots=10, busy=10, queue=3)
    assert seats(request(swarm=SwarmOptions(seats=7)), full) == 7
    assert seats(request(swarm=SwarmOptions(seats=2), max_tokens=5), full) == 2


def test_light_requests_take_one_seat() -> None:
    assert seats(request(max_tokens=LIGHT_TOKENS)) == 1
    assert seats(request(max_tokens=LIGHT_TOKENS + 1)) is None
    assert seats(request(max_tokens=5, tools=({"type": "function"},))) is None
    assert seats(request(max_tokens=5, response_format={"type": "json_object"})) is None
    assert seats(request(max_tokens=5, swarm=SwarmOptions(strategy="majority"))) is None
    title = {"role": "system", "content": "You are a title generator. You output ONLY a title."}
    assert seats(request(messages=(title, *USER))) == 1
    tags = {"role": "user", "content": "### Task:\nGenerate 1-3 broad tags"}
    assert seats(request(messages=(tags,))) == 1


def test_n_answers_take_as_many_seats_and_wait_for_all() -> None:
    settled = settle(request(), default=5, load=IDLE, choices=7)
    assert (settled.request.swarm.seats, settled.request.swarm.early_stop) == (7, False)
    assert seats(request(), choices=3) == 5
    assert seats(request(swarm=SwarmOptions(seats=1)), choices=3) == 3


def test_instructions_become_one_system_message_at_the_head() -> None:
    made = ordered(
        [
            {"role": "system", "content": "A"},
            {"role": "developer", "content": [{"type": "text", "text": "B"}]},
            {"role": "user", "content": "C"},
            {"role": "system", "content": "D"},
            {"role": "assistant", "content": "E"},
            {"role": "system", "content": "F"},
            {"role": "user", "content": [{"type": "input_text", "text": "G"}]},
        ]
    )
    assert [(m["role"], text_of(m["content"])) for m in made] == [
        ("system", "A\n\nB"),
        ("user", "C\n\nD"),
        ("assistant", "E"),
        ("user", "F\n\nG"),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "developer", "user", "assistant", "tool"]), st.text())
    )
)
def test_no_word_is_lost_and_system_comes_first(said: list[tuple[str, str]]) -> None:
    made = ordered([{"role": role, "content": text} for role, text in said])
    assert all(m["role"] != "system" for m in made[1:])
    whole = "".join(text_of(m["content"]) for m in made)
    assert all(text in whole for _, text in said)


def test_a_choice_among_tools_that_were_skipped_is_no_choice() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert chosen([], "required") == ((), None)
    assert chosen([tool], {"type": "web_search"}) == ((tool,), None)
    assert chosen([tool], None) == ((tool,), None)


def test_headers_control_the_vote_and_the_body_wins(node: Running) -> None:
    headers = {"X-Local-Swarm-Seats": "3", "X-Local-Swarm-Early-Stop": "false"}
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
    swarm = node.http.post("/v1/chat/completions", json=body, headers=headers).json()["swarm"]
    assert (swarm["seats"], swarm["ballots"], "policy" in swarm) == (3, 3, False)
    body["swarm"] = {"seats": 4}
    swarm = node.http.post("/v1/chat/completions", json=body, headers=headers).json()["swarm"]
    assert (swarm["seats"], swarm["ballots"]) == (4, 4)
    wrong = {"X-Local-Swarm-Seats": "many"}
    response = node.http.post("/v1/chat/completions", json=body | {"swarm": None}, headers=wrong)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "swarm.seats"


def test_the_verdict_says_why_there_are_fewer_seats(node: Running) -> None:
    swarm = node.chat("hello", max_tokens=8).json()["swarm"]
    assert swarm["seats"] == 1
    assert "one seat" in swarm["policy"]


def test_under_load_a_vote_takes_the_free_seats_and_waits_for_nobody(node: Running) -> None:
    long = {
        "swarm": {"seats": 6, "escalate": False},
        "max_tokens": 300,
        "ignore_eos": True,
        "min_p": 0,
    }
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(node.chat, SUM, temperature=2, **long)
        deadline = time.monotonic() + 20
        while node.node.status().engines[0].slots_busy < 6:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        swarm = node.chat("hello", max_tokens=30, swarm={"early_stop": False}).json()["swarm"]
        assert first.result().json()["swarm"]["seats"] == 6
    assert (swarm["seats"], swarm["policy"]) == (4, "4 slots were free")
