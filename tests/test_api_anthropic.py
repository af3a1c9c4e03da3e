"""Anthropic's wire, driven by Anthropic's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from .conftest import SUM, Running

TOOLS: Any = [
    {
        "name": name,
        "description": "",
        "input_schema": {
            "type": "object",
            "properties": {key: {"type": "string"} for key in keys},
        },
    }
    for name, keys in {
        "read_file": ["path", "start_line", "max_lines"],
        "write_file": ["path", "content"],
    }.items()
]
ASK: Any = [{"role": "user", "content": SUM}]
READ: Any = [{"role": "user", "content": "Read the file notes.txt."}]


@pytest.fixture
def client(node: Running) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=node.url, api_key="none") as made:
        yield made


def test_a_voted_message(client: anthropic.Anthropic) -> None:
    made = client.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=ASK)
    [block] = made.content
    assert block.type == "text"
    assert block.text.endswith("Answer: 21")
    assert (made.model, made.stop_reason, made.role) == (
        "claude-sonnet-4-5",
        "end_turn",
        "assistant",
    )
    assert made.usage.input_tokens > 10
    assert made.usage.output_tokens > 5
    swarm: Any = (made.model_extra or {})["swarm"]
    assert swarm["status"] == "majority"
    assert made._request_id


def test_a_streamed_message(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="local-swarm", max_tokens=100, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        made = stream.get_final_message()
    assert text.endswith("Answer: 21")
    assert made.content[0].type == "text"
    assert (made.stop_reason, made.usage.output_tokens > 5) == ("end_turn", True)


@pytest.mark.parametrize("stream", [False, True])
def test_the_loop_of_a_tool_closes(client: anthropic.Anthropic, stream: bool) -> None:
    asked: Any = {"model": "local-swarm", "max_tokens": 100, "tools": TOOLS}
    if stream:
        with client.messages.stream(messages=READ, **asked) as events:
            made = events.get_final_message()
    else:
        made = client.messages.create(messages=READ, **asked)
    assert made.stop_reason == "tool_use"
    call = made.content[-1]
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("read_file", {"path": "notes.txt"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Buy milk."}
    said: Any = [block.model_dump() for block in made.content]
    messages: Any = [
        *READ,
        {"role": "assistant", "content": said},
        {"role": "user", "content": [result, {"type": "text", "text": "What does it say?"}]},
    ]
    assert client.messages.create(messages=messages, **asked).content


def test_a_small_model_of_anthropics_is_one_seat(client: anthropic.Anthropic) -> None:
    made = client.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=ASK)
    assert (made.model_extra or {})["swarm"]["seats"] == 1


def test_what_claude_code_sends_is_taken(node: Running) -> None:
    body = {
        "model": "claude-opus-4-5",
        "max_tokens": 32000,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "system", "content": "A reminder."},
        ],
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": []},
        "output_config": {"effort": "high"},
        "tools": [*TOOLS, {"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "metadata": {"user_id": "x"},
        "stream": True,
    }
    with node.http.stream("POST", "/v1/messages?beta=true", json=body) as response:
        assert response.status_code == 200
        lines = [line for line in response.iter_lines() if line.startswith("event: ")]
    names = [line.removeprefix("event: ") for line in lines]
    assert (names[0], names[-2], names[-1]) == ("message_start", "message_delta", "message_stop")
    assert names.count("content_block_start") == names.count("content_block_stop") >= 1


def test_tokens_are_counted_by_the_models_template(client: anthropic.Anthropic) -> None:
    counted = client.messages.count_tokens(model="local-swarm", messages=ASK)
    made = client.messages.create(model="local-swarm", max_tokens=5, messages=ASK)
    assert counted.input_tokens == made.usage.input_tokens


def test_errors_have_anthropics_shape(client: anthropic.Anthropic, node: Running) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        client.messages.create(model="nobody", max_tokens=5, messages=ASK)
    assert unknown.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]
    long: Any = [{"role": "user", "content": "apple " * 3000}]
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        client.messages.create(model="local-swarm", max_tokens=5, messages=long)
    wrong: list[Any] = [{}, {"messages": []}, {"messages": [{"role": "king", "content": "x"}]}]
    for body in wrong:
        response = node.http.post("/v1/messages", json=body)
        error = response.json()
        assert (response.status_code, error["type"]) == (400, "error")
        assert error["error"]["type"] == "invalid_request_error"
    assert node.http.get("/v1/messages").json()["type"] == "error"
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A"}}
    sent = {"messages": [{"role": "user", "content": [image]}]}
    response = node.http.post("/v1/messages", json=sent)
    assert (response.status_code, "image" in response.text) == (400, True)


def test_a_forced_tool_is_called(client: anthropic.Anthropic) -> None:
    made = client.messages.create(
        model="local-swarm", max_tokens=100, messages=READ, tools=TOOLS,
        tool_choice={"type": "tool", "name": "read_file"},
    )  # fmt: skip
    assert [b.name for b in made.content if b.type == "tool_use"] == ["read_file"]
    assert json.dumps(made.model_dump())
