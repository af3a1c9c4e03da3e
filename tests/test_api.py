"""The API of a real node with the bundled model."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from .conftest import SUM, Running

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in keys},
            },
        },
    }
    for name, keys in {
        "read_file": ["path", "start_line", "max_lines"],
        "write_file": ["path", "content"],
        "execute_bash": ["command"],
    }.items()
]


def test_an_answer_has_won_a_vote(node: Running) -> None:
    answer = node.chat().json()
    assert answer["choices"][0]["message"]["content"].endswith("Answer: 21")
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["model"] == "local-swarm"
    swarm = answer["swarm"]
    assert swarm["status"] == "majority"
    assert swarm["seats"] == 5
    assert 3 <= swarm["ballots"] <= 5
    assert swarm["ballots"] + swarm["cancelled"] == 5
    assert swarm["groups"][0]["key"] == "number:21"
    assert sum(group["votes"] for group in swarm["groups"]) == swarm["ballots"]
    assert swarm["winner"] == {
        "machine": "home",
        "worker": swarm["winner"]["worker"],
        "model": "demo",
    }
    assert (
        swarm["tokens"]["total"] > swarm["tokens"]["winner"] == answer["usage"]["completion_tokens"]
    )
    assert swarm["degraded"] is None


def test_early_stop_can_be_turned_off(node: Running) -> None:
    swarm = node.chat(swarm={"early_stop": False, "seats": 7}).json()["swarm"]
    assert (swarm["seats"], swarm["ballots"], swarm["cancelled"]) == (7, 7, 0)


def test_all_ballots_are_shown_on_request(node: Running) -> None:
    swarm = node.chat(swarm={"include_ballots": True}).json()["swarm"]
    assert len(swarm["details"]) == swarm["ballots"]
    assert all(0 < ballot["confidence"] <= 1 for ballot in swarm["details"])
    assert "21" in swarm["groups"][0]["text"]


def test_more_seats_than_slots_go_in_waves(node: Running) -> None:
    swarm = node.chat(swarm={"seats": 23, "early_stop": False}).json()["swarm"]
    assert (swarm["seats"], swarm["ballots"], swarm["degraded"]) == (23, 23, None)


def test_fastest_takes_the_first_valid_ballot(node: Running) -> None:
    swarm = node.chat(model="local-swarm-fastest").json()["swarm"]
    assert (swarm["strategy"], swarm["ballots"]) == ("fastest", 1)


def test_a_truncated_vote_is_no_answer_but_is_shown(node: Running) -> None:
    answer = node.chat(max_tokens=3, swarm={"seats": 5}).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"]
    assert answer["swarm"]["status"] == "no_answer"
    assert answer["swarm"]["abstained"] == answer["swarm"]["ballots"] == 5


def test_tool_calls_are_voted_on(node: Running) -> None:
    answer = node.chat("Read the file notes.txt.", tools=TOOLS).json()
    [call] = answer["choices"][0]["message"]["tool_calls"]
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == "read_file"
    assert json.loads(call["function"]["arguments"]) == {"path": "notes.txt"}
    assert answer["swarm"]["groups"][0]["key"].startswith("tool_call:read_file(")


def test_streamed_tool_calls_come_whole(node: Running) -> None:
    with node.http.stream(
        "POST",
        "/v1/chat/completions",
        json={"messages": [{"role": "user", "content": "Read the file notes.txt."}],
              "tools": TOOLS, "stream": True},
    ) as response:  # fmt: skip
        chunks = _chunks(response.iter_lines())
    [call] = [c for chunk in chunks for c in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "read_file")
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_the_stream_has_the_order_that_clients_need(node: Running) -> None:
    body = {"messages": [{"role": "user", "content": SUM}], "stream": True,
            "stream_options": {"include_usage": True}}  # fmt: skip
    with node.http.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = list(response.iter_lines())
    chunks = _chunks(lines)
    assert [line for line in lines if line][-1] == "data: [DONE]"
    assert any(line.startswith(": swarm ") for line in lines)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-2]["swarm"]["status"] == "majority"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert len({chunk["id"] for chunk in chunks}) == 1
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks[:-1])
    assert text.endswith("Answer: 21")


def test_the_fast_model_streams_live_from_one_seat(node: Running) -> None:
    body = {"model": "local-swarm-fast", "stream": True,
            "messages": [{"role": "user", "content": SUM}]}  # fmt: skip
    with node.http.stream("POST", "/v1/chat/completions", json=body) as response:
        chunks = _chunks(response.iter_lines())
    parts = [c["choices"][0]["delta"].get("content") for c in chunks if c["choices"]]
    assert len([part for part in parts if part]) > 5
    assert chunks[-1]["swarm"]["seats"] == chunks[-1]["swarm"]["ballots"] == 1


@pytest.mark.parametrize("stream", [False, True])
def test_openai_python_gets_the_answer(node: Running, stream: bool) -> None:
    with openai.OpenAI(base_url=f"{node.url}/v1", api_key="none") as client:
        messages: Any = [{"role": "user", "content": SUM}]
        made: Any = client.chat.completions.create(
            model="local-swarm", messages=messages, stream=stream
        )
        if not stream:
            assert made.choices[0].message.content.endswith("Answer: 21")
            assert made.model_extra["swarm"]["status"] == "majority"
            return
        chunks = list(made)
    assert "".join(c.choices[0].delta.content or "" for c in chunks).endswith("Answer: 21")
    assert chunks[-1].model_extra["swarm"]["ballots"] >= 3


def test_openai_python_lists_the_models(node: Running) -> None:
    with openai.OpenAI(base_url=f"{node.url}/v1", api_key="none") as client:
        ids = [model.id for model in client.models.list()]
        assert ids[:2] == ["local-swarm", "local-swarm-fast"]
        assert "demo" in ids
        assert client.models.retrieve("demo").id == "demo"
        with pytest.raises(openai.NotFoundError, match="local-swarm-fast"):
            client.chat.completions.create(
                model="gpt-4", messages=[{"role": "user", "content": "hi"}]
            )


def test_eight_clients_at_once_all_get_answers(node: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: node.chat(), range(24)))
    assert [answer.status_code for answer in answers] == [200] * 24
    status = node.node.status().engines[0]
    assert (status.slots_busy, status.kv_reserved, status.queue) == (0, 0, 0)


def test_small_talk(node: Running) -> None:
    text = node.chat("hello").json()["choices"][0]["message"]["content"]
    assert text.startswith(("Hello", "Hi"))


def _chunks(lines: Any) -> list[dict[str, Any]]:
    data = [line[6:] for line in lines if line.startswith("data: ")]
    return [json.loads(item) for item in data if item != "[DONE]"]


@pytest.mark.parametrize("text", ["a\u2028b\u0085c", "\ud800", "\x00", "\U0001f41d" * 40, "\r\n\t"])
@pytest.mark.parametrize("stream", [False, True])
def test_any_character_goes_through(node: Running, text: str, stream: bool) -> None:
    body = {"messages": [{"role": "user", "content": text}], "stream": stream, "max_tokens": 20}
    response = node.http.post(
        "/v1/chat/completions",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 200
    assert '"error"' not in response.text


def test_n_answers_are_the_best_groups(node: Running) -> None:
    answer = node.chat("hello", n=3, temperature=1.5).json()
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    swarm = answer["swarm"]
    assert (swarm["seats"], swarm["ballots"], swarm["cancelled"]) == (5, 5, 0)
    assert len(set(texts)) >= min(3, len(swarm["groups"]))


def test_n_answers_stream_each_with_its_finish(node: Running) -> None:
    chunks = _stream(node, SUM, n=6, stream_options={"include_usage": True})
    finished = [c["choices"][0] for c in chunks[:-1] if c["choices"][0]["finish_reason"]]
    assert sorted(choice["index"] for choice in finished) == list(range(6))
    said: dict[int, str] = {}
    for chunk in chunks[:-1]:
        [choice] = chunk["choices"]
        said[choice["index"]] = said.get(choice["index"], "") + (choice["delta"]["content"] or "")
    assert len(said) == 6
    assert all(said.values())
    assert chunks[-2]["swarm"]["policy"] == "n = 6 answers"


def test_every_delta_has_a_content_key(node: Running) -> None:
    for chunks in (_stream(node, SUM), _stream(node, "Read the file notes.txt.", tools=TOOLS)):
        assert all("content" in chunk["choices"][0]["delta"] for chunk in chunks)


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("auto", "read_file"),
        ("required", "read_file"),
        ({"type": "function", "function": {"name": "read_file"}}, "read_file"),
        ({"type": "function", "name": "read_file"}, "read_file"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "read_file"}}],
                },
            },
            "read_file",
        ),
    ],
)
def test_tool_choice_holds_in_all_its_forms(node: Running, choice: Any, called: str | None) -> None:
    body = {"tools": TOOLS, "tool_choice": choice, "parallel_tool_calls": False}
    answer = node.chat("Read the file notes.txt.", **body).json()
    made = answer["choices"][0]["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in made] == ([called] if called else [])


def test_tools_of_unknown_types_are_skipped(node: Running) -> None:
    strange = [{"type": "web_search"}, {"type": "namespace", "function": {"tools": []}}]
    answer = node.chat("hello", tools=strange, tool_choice="required")
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"properties": {}}])
def test_a_tool_may_take_nothing(node: Running, parameters: Any) -> None:
    function = {"name": "read_file", "description": "Reads."}
    if parameters is not None:
        function["parameters"] = parameters
    answer = node.chat("hello", tools=[{"type": "function", "function": function}], max_tokens=8)
    assert answer.status_code == 200


def test_json_is_what_was_asked_for(node: Running) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "count", "schema": schema}}
    answer = node.chat(SUM, response_format=wanted, max_tokens=60).json()
    assert isinstance(json.loads(answer["choices"][0]["message"]["content"])["n"], int)


def _stream(node: Running, content: str, **extra: Any) -> list[dict[str, Any]]:
    body = {"messages": [{"role": "user", "content": content}], "stream": True, **extra}
    with node.http.stream("POST", "/v1/chat/completions", json=body) as response:
        return _chunks(response.iter_lines())


def test_the_context_is_told_where_clients_look(node: Running) -> None:
    card = node.http.get("/v1/models/demo").json()
    assert card["context_length"] == card["meta"]["n_ctx"] == 512
    props = node.http.get("/props").json()
    assert props["default_generation_settings"]["n_ctx"] == 512
    assert props["total_slots"] == 10
