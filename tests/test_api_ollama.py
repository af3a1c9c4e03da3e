"""Ollama's wire, driven by Ollama's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from .conftest import SUM, Running
from .test_api import TOOLS

ASK = [{"role": "user", "content": SUM}]
READ = [{"role": "user", "content": "Read the file notes.txt."}]


@pytest.fixture
def client(node: Running) -> Iterator[ollama.Client]:
    made = ollama.Client(host=node.url, trust_env=False)
    yield made
    made._client.close()


def test_the_models_are_listed_and_shown(client: ollama.Client, node: Running) -> None:
    names = [model.model for model in client.list().models]
    assert names[:2] == ["local-swarm", "local-swarm-fast"]
    shown = client.show("demo:latest")
    assert "tools" in (shown.capabilities or [])
    assert (shown.modelinfo or {})["llama.context_length"] == 512
    assert client.ps().models[0].model == "local-swarm"
    version = node.http.get("/api/version").json()["version"]
    assert tuple(int(part) for part in version.split(".")) >= (0, 6, 4)


def test_a_voted_chat(client: ollama.Client, node: Running) -> None:
    made = client.chat("local-swarm", ASK)
    assert (made.message.content or "").endswith("Answer: 21")
    assert (made.done, made.done_reason, made.model) == (True, "stop", "local-swarm")
    assert (made.eval_count or 0) > 5
    assert (made.prompt_eval_count or 0) > 10
    body = {"model": "local-swarm", "messages": ASK, "stream": False}
    swarm = node.http.post("/api/chat", json=body).json()["swarm"]
    assert swarm["status"] == "majority"


def test_a_streamed_chat_is_lines_of_json(client: ollama.Client, node: Running) -> None:
    parts = list(client.chat("local-swarm", ASK, stream=True))
    assert "".join(part.message.content or "" for part in parts).endswith("Answer: 21")
    assert [part.done for part in parts].count(True) == 1
    body = {"model": "local-swarm", "messages": ASK}  # Ollama streams unless told not to
    with node.http.stream("POST", "/api/chat", json=body) as response:
        assert response.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in response.iter_lines()]
    assert lines[-1]["swarm"]["ballots"] >= 3


def test_the_loop_of_a_tool_closes(client: ollama.Client) -> None:
    made = client.chat("local-swarm", READ, tools=TOOLS)
    [call] = made.message.tool_calls or []
    assert (call.function.name, call.function.arguments) == ("read_file", {"path": "notes.txt"})
    result = {"role": "tool", "tool_name": "read_file", "content": "Buy milk."}
    assert client.chat("local-swarm", [*READ, made.message, result]).message.content


def test_generate_and_its_options(client: ollama.Client) -> None:
    options = {"num_predict": 3, "temperature": 0.0, "num_ctx": 4096}
    made = client.generate("local-swarm", SUM, options=options)
    assert (made.done_reason, made.eval_count) == ("length", 3)
    parts = list(client.generate("local-swarm", SUM, stream=True))
    assert "".join(part.response or "" for part in parts).endswith("Answer: 21")


def test_a_format_is_a_schema(client: ollama.Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = client.chat("local-swarm", ASK, format=schema, options={"num_predict": 60})
    assert isinstance(json.loads(made.message.content or "")["n"], int)


def test_an_empty_request_loads(client: ollama.Client) -> None:
    assert client.chat("local-swarm", []).done_reason == "load"
    assert client.generate("local-swarm", "").done_reason == "load"


def test_errors_have_ollamas_shape(client: ollama.Client, node: Running) -> None:
    with pytest.raises(ollama.ResponseError, match="nobody") as unknown:
        client.chat("nobody", ASK)
    assert unknown.value.status_code == 404
    wrong: list[tuple[str, Any]] = [("chat", {"messages": 5}), ("show", {"model": "x"})]
    for path, body in wrong:
        response = node.http.post(f"/api/{path}", json=body)
        assert response.status_code in (400, 404)
        assert isinstance(response.json()["error"], str)
