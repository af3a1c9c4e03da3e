"""A call that must be made is made, whatever the model would rather say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_swarm.backends.forced import read, response_format
from local_swarm.chat import ChatRequest

from .conftest import SUM, Running


def tool(name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
REFERRING = {
    "$defs": {"Place": {"type": "object", "properties": {"x": {"type": "integer"}}}},
    "type": "object",
    "properties": {"to": {"$ref": "#/$defs/Place"}, "$ref": {"type": "string"}},
    "required": ["to"],
}


@pytest.mark.parametrize("question", ["hello", "How many apples?", SUM, "Who are you?"])
def test_no_seat_can_answer_in_words(node: Running, question: str) -> None:
    asked = {"seats": 6, "early_stop": False, "include_ballots": True, "escalate": False}
    tools = [tool("read_file", PATH), tool("list_files", {"type": "object", "properties": {}})]
    answer = node.chat(question, tools=tools, tool_choice="required", swarm=asked).json()
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert not choice["message"]["content"]
    ballots = answer["swarm"]["details"]
    assert len(ballots) == 6
    for ballot in ballots:
        assert {call["function"]["name"] for call in ballot["tool_calls"]} <= {
            "read_file",
            "list_files",
        }
        assert ballot["tool_calls"] or ballot["finish_reason"] == "length"


def test_a_schema_that_refers_to_itself_is_kept(node: Running) -> None:
    answer = node.chat("hello", tools=[tool("go", REFERRING)], tool_choice="required").json()
    [call, *_] = answer["choices"][0]["message"]["tool_calls"]
    assert isinstance(json.loads(call["function"]["arguments"])["to"].get("x", 0), int)


def test_a_forced_call_streams(node: Running) -> None:
    body: dict[str, Any] = {
        "tools": [tool("read_file", PATH)],
        "tool_choice": "required",
        "stream": True,
    }
    body["parallel_tool_calls"] = False
    body["temperature"] = 0  # a seat in a hundred does not find the end of its string
    answer = node.chat("Read the file notes.txt.", model="local-swarm-fast", **body)
    chunks = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: {")
    ]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert not any(delta.get("content") for delta in deltas)
    [call] = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    assert call["function"]["name"] == "read_file"
    assert set(json.loads(call["function"]["arguments"])) <= {"path"}


def test_without_a_choice_no_tool_is_named_to_the_model(node: Running) -> None:
    tools = [tool("read_file", PATH)]
    answer = node.chat("Read the file notes.txt.", tools=tools, tool_choice="none").json()
    assert "tool_call" not in answer["choices"][0]["message"]["content"]


def test_references_lead_into_their_own_tool() -> None:
    asked = ChatRequest("r", (), tools=(tool("stay", PATH), tool("go", REFERRING)))
    schema = response_format(asked)["json_schema"]["schema"]
    properties = schema["$defs"]["tool1"]["properties"]
    assert properties["to"] == {"$ref": "#/$defs/tool1/$defs/Place"}
    assert properties["$ref"] == {"type": "string"}  # a property of that name is no reference
    assert len(schema["anyOf"]) == 3
    single = ChatRequest("r", (), tools=asked.tools, sampling={"parallel_tool_calls": False})
    assert len(response_format(single)["json_schema"]["schema"]["anyOf"]) == 2


def test_a_tool_without_parameters_takes_an_object() -> None:
    schema = response_format(ChatRequest("r", (), tools=(tool("stop"),)))["json_schema"]["schema"]
    assert schema["$defs"]["tool0"] == {"type": "object"}


def test_calls_are_read() -> None:
    [one] = read('{"name": "f", "arguments": {"a": "ü"}}')
    assert (one.index, one.name, one.arguments) == (0, "f", '{"a": "ü"}')
    two = read('[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]')
    assert [(call.index, call.name) for call in two] == [(0, "f"), (1, "g")]
    assert len({call.id for call in two}) == 2


@pytest.mark.parametrize(
    "text", ["", '{"name": "f", "argum', "[1]", "{}", "null", "[" * 100_000, '["name"]']
)
def test_what_is_no_whole_call_is_none(text: str) -> None:
    assert read(text) == ()
