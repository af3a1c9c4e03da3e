"""OpenAI's responses, driven by openai-python; Codex speaks nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from .conftest import SUM, Running

TOOLS: Any = [
    {
        "type": "function",
        "name": name,
        "parameters": {
            "type": "object",
            "properties": {key: {"type": "string"} for key in keys},
        },
        "strict": False,
    }
    for name, keys in {  # as the demo model was trained on them: it refuses lists that it never saw
        "read_file": ["path", "start_line", "max_lines"],
        "write_file": ["path", "content"],
        "execute_bash": ["command"],
    }.items()
] + [
    {"type": "namespace", "name": "x", "tools": []},
    {"type": "web_search"},
]


@pytest.fixture
def client(node: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{node.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_a_voted_response(client: openai.OpenAI) -> None:
    made = client.responses.create(model="local-swarm", input=SUM, instructions="Be brief.")
    assert made.output_text.endswith("Answer: 21")
    assert (made.status, made.model) == ("completed", "local-swarm")
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert (made.model_extra or {})["swarm"]["status"] == "majority"


def test_a_streamed_response_has_the_order_that_clients_need(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="local-swarm", input=SUM, stream=True))
    types = [event.type for event in events]
    assert types[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert types[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last: Any = events[-1]
    assert last.response.output_text.endswith("Answer: 21")
    assert last.response.model_extra["swarm"]["ballots"] >= 3


@pytest.mark.parametrize("stream", [False, True])
def test_the_loop_of_a_tool_closes(client: openai.OpenAI, stream: bool) -> None:
    asked: list[Any] = [{"role": "user", "content": [
        {"type": "input_text", "text": "Read the file notes.txt."}]}]  # fmt: skip
    made: Any
    if stream:
        with client.responses.stream(model="local-swarm", input=asked, tools=TOOLS) as events:
            made = events.get_final_response()
    else:
        made = client.responses.create(model="local-swarm", input=asked, tools=TOOLS)
    [call] = [item for item in made.output if item.type == "function_call"]
    assert (call.name, call.arguments.replace(" ", "")) == ("read_file", '{"path":"notes.txt"}')
    asked += [
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        call.model_dump(),
        {"type": "function_call_output", "call_id": call.call_id,
         "output": [{"type": "input_text", "text": "Buy milk."}]},
    ]  # fmt: skip
    assert client.responses.create(model="local-swarm", input=asked, tools=TOOLS).output


def test_what_is_cut_is_incomplete(client: openai.OpenAI) -> None:
    made = client.responses.create(model="local-swarm", input=SUM, max_output_tokens=3)
    assert made.status == "incomplete"
    assert made.incomplete_details is not None
    assert made.incomplete_details.reason == "max_output_tokens"
    events: Any = list(
        client.responses.create(model="local-swarm", input=SUM, max_output_tokens=3, stream=True)
    )
    assert events[-1].type == "response.incomplete"


def test_json_is_what_was_asked_for(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    text: Any = {"format": {"type": "json_schema", "name": "count", "schema": schema}}
    made = client.responses.create(model="local-swarm", input=SUM, text=text)
    assert made.output_text.startswith("{")


def test_what_codex_sends_is_taken(node: Running) -> None:
    body = {
        "model": "local-swarm",
        "instructions": "You are a coding agent.",
        "input": [
            {"type": "message", "role": "developer",
             "content": [{"type": "input_text", "text": "Be brief."}]},
            {"type": "message", "role": "user",
             "content": [{"type": "input_text", "text": "hello"}]},
        ],
        "tools": TOOLS, "tool_choice": "auto", "parallel_tool_calls": False, "store": False,
        "stream": True, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k",
        "reasoning": {"effort": "medium"}, "client_metadata": {}, "max_output_tokens": None,
    }  # fmt: skip
    with node.http.stream("POST", "/v1/responses", json=body) as response:
        assert response.status_code == 200
        lines = [line for line in response.iter_lines() if line.startswith("event: ")]
    assert lines[-1] == "event: response.completed"


def test_what_is_not_stored_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="nothing is stored"):
        client.responses.create(model="local-swarm", input="x", previous_response_id="resp_1")
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        client.responses.create(model="local-swarm", input="apple " * 3000)
