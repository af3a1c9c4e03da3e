"""Bad requests: the right status, an error object, and a node that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_swarm.models.store import demo_path
from local_swarm.wire import runtime

from .conftest import Running, planned, running

TOOLS = [{"type": "function", "function": {"name": "read_file", "parameters": {}}}]
OTHER = {"type": "function", "function": {"name": "write_file"}}
USER = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"text": 5}]}]}, "messages.0.content"),
        ({"messages": USER, "max_tokens": "many"}, "max_tokens"),
        ({"messages": USER, "max_tokens": -1}, "max_tokens"),
        ({"messages": USER, "temperature": "hot"}, "temperature"),
        ({"messages": USER, "tools": [{"type": "function", "function": {}}]}, "tools.0"),
        ({"messages": USER, "response_format": {"type": "xml"}}, "response_format"),
        ({"messages": USER, "response_format": {"type": "json_schema"}}, "response_format"),
        (
            {"messages": USER, "response_format": {"type": "json_schema", "json_schema": "x"}},
            "response_format",
        ),
        (
            {
                "messages": USER,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": [1]},
                },
            },
            "response_format",
        ),
        ({"messages": USER, "logit_bias": "x"}, "logit_bias"),
        ({"messages": USER, "logit_bias": {"15": "x"}}, "logit_bias.15"),
        ({"messages": USER, "stop": [1]}, "stop.0"),
        ({"messages": USER, "stop": {"a": 1}}, "stop"),
        ({"messages": USER, "presence_penalty": "much"}, "presence_penalty"),
        ({"messages": USER, "grammar": 5}, "grammar"),
        ({"messages": USER, "chat_template_kwargs": "x"}, "chat_template_kwargs"),
        ({"messages": USER, "n": 0}, "n"),
        ({"messages": USER, "n": 65}, "n"),
        ({"messages": USER, "top_logprobs": 3}, "top_logprobs"),
        ({"messages": USER, "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"messages": USER, "tools": TOOLS, "tool_choice": "maybe"}, "tool_choice"),
        ({"messages": USER, "tools": TOOLS, "tool_choice": OTHER}, "tool_choice"),
        ({"messages": USER, "swarm": {"seats": 0}}, "swarm.seats"),
        ({"messages": USER, "swarm": {"seats": 10000}}, "swarm.seats"),
        ({"messages": USER, "swarm": {"strategy": "coin"}}, "swarm.strategy"),
        ({"messages": USER, "swarm": {"deadline_s": 0}}, "swarm.deadline_s"),
        ({"messages": USER, "swarm": 7}, "swarm"),
        ([1, 2], None),
    ],
)
def test_wrong_bodies_are_refused_with_their_place(node: Running, body: Any, param: str) -> None:
    for stream in (False, True):
        sent = {**body, "stream": stream} if isinstance(body, dict) else body
        response = node.http.post("/v1/chat/completions", json=sent)
        error = response.json()["error"]
        assert response.status_code == 400
        assert set(error) >= {"message", "type", "param", "code"}
        assert error["type"] == "invalid_request_error"
        assert param is None or str(error["param"]).startswith(param)
        assert "str" not in str(error["param"]).split(".")[1:]  # a place in the body, not a type


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"nul"])
def test_what_is_no_json_is_refused(node: Running, raw: bytes) -> None:
    response = node.http.post(
        "/v1/chat/completions", content=raw, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_nulls_and_unknown_fields_are_tolerated(node: Running) -> None:
    names = ("model", "stream", "max_tokens", "tools", "stop", "seed", "swarm", "temperature")
    response = node.chat("hello", **dict.fromkeys(names), store=True, metadata={"a": "b"})
    assert response.status_code == 200


def test_content_parts_and_developer_messages_are_taken(node: Running) -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    response = node.http.post("/v1/chat/completions", json={"messages": messages})
    assert response.status_code == 200


def test_an_image_is_refused_clearly(node: Running) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    response = node.http.post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": [image]}]}
    )
    assert response.status_code == 400
    assert "image" in response.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_longer_than_the_context_names_the_maximum(node: Running, stream: bool) -> None:
    response = node.chat("apple " * 3000, stream=stream)
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["code"] == "context_length_exceeded"
    assert "maximum context length is 512 tokens" in error["message"]
    assert error["n_ctx"] == 512 < error["n_prompt_tokens"]


def test_an_unknown_model_names_those_there_are(node: Running) -> None:
    response = node.chat("hello", model="gpt-9")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (404, "model_not_found")
    assert "local-swarm-fast" in error["message"]


def test_unknown_routes_and_methods_answer_with_error_objects(node: Running) -> None:
    assert node.http.get("/v1/nothing").json()["error"]["code"] == "not_found"
    response = node.http.get("/v1/chat/completions")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "forbidden_host"),
        ({"Host": "127.0.0.1.evil.example"}, "forbidden_host"),
        ({"Origin": "https://evil.example"}, "forbidden_origin"),
        ({"Origin": "null"}, "forbidden_origin"),
        ({"Origin": "http://["}, "forbidden_origin"),
        ({"Host": "[::1"}, "forbidden_host"),
        ({"Host": "a]b"}, "forbidden_host"),
    ],
)
def test_pages_of_others_are_kept_out(node: Running, headers: dict[str, str], code: str) -> None:
    for path in ("/v1/models", "/health", "/swarm/status"):
        response = node.http.get(path, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, code)


def test_our_own_names_are_served(node: Running) -> None:
    for host in ("localhost:1", "127.0.0.1", "[::1]:5"):
        assert node.http.get("/health", headers={"Host": host}).status_code == 200


def test_a_huge_body_is_refused(node: Running) -> None:
    response = node.http.post("/v1/chat/completions", content=b"x" * (33 << 20))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


def test_a_huge_body_in_chunks_is_refused(node: Running) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"messages": "'
        for _ in range(33):
            yield b"x" * (1 << 20)

    response = node.http.post(
        "/v1/chat/completions", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "tool_calls": [{}]},
        {"role": "assistant", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{bad"}}]},
        {"role": "user", "content": "x", "reasoning_content": 5},
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_template_refuses_is_the_callers_fault(
    node: Running, message: dict[str, Any], stream: bool
) -> None:
    response = node.http.post(
        "/v1/chat/completions", json={"messages": [*USER, message, *USER], "stream": stream}
    )
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert "\n" not in response.json()["error"]["message"]


def test_a_part_without_its_text_is_refused(node: Running) -> None:
    parts = [{"type": "text", "text": None}, {"type": "text", "text": "hello"}]
    response = node.http.post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": parts}]}
    )
    assert response.status_code == 400
    assert "text" in response.json()["error"]["message"]


def test_slashes_too_many_do_no_harm(node: Running) -> None:
    for path in ("/v1/models/", "//v1//models", "/models"):
        assert node.http.get(path).json()["object"] == "list"
    assert node.http.post("/v1/chat/completions/", json={"messages": USER}).status_code == 200


def test_head_goes_wherever_get_does(node: Running) -> None:
    for path in ("/", "/v1/models", "/health"):
        response = node.http.head(path)
        assert (response.status_code, response.content) == (200, b"")
    assert node.http.head("/v1/chat/completions").status_code == 405


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_does_not_say_that_it_is_json_is_refused(
    node: Running, kind: str | None
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    sent = json.dumps({"messages": USER}).encode()
    response = node.http.post("/v1/chat/completions", content=sent, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (
        415,
        "unsupported_media_type",
    )


def test_pages_on_loopback_may_read_the_answers(node: Running) -> None:
    page = {"Origin": "http://localhost:3000"}
    answer = node.http.get("/v1/models", headers=page)
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "Origin" in answer.headers["vary"]
    asked = {
        **page,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-stainless-os",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = node.http.options("/v1/chat/completions", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == "content-type, x-stainless-os"
    assert answer.headers["access-control-allow-private-network"] == "true"
    foreign = node.http.options(
        "/v1/chat/completions", headers={**asked, "Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers


def test_every_answer_has_a_request_id(node: Running) -> None:
    for path in ("/health", "/v1/nothing"):
        mine = node.http.get(path, headers={"X-Request-Id": "mine-1"}).headers
        assert mine["x-request-id"] == mine["request-id"] == "mine-1"
        made = {node.http.get(path, headers={"X-Request-Id": "a b"}).headers["x-request-id"]}
        made.add(node.http.get(path).headers["x-request-id"])
        assert len(made) == 2
        assert all(id.startswith("req_") for id in made)


def test_control_needs_its_token(node: Running) -> None:
    for headers in ({}, {"X-Control-Token": "guess"}, {"X-Control-Token": ""}):
        response = node.http.post("/swarm/stop", headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (
            403,
            "forbidden_control",
        )
    assert len(runtime.running(node.settings.nodes)) == 1
    assert json.loads(node.http.get("/swarm/status").text)["state"] == "ok"


def test_with_a_key_only_its_holders_are_served(tmp_path: Path) -> None:
    with running(tmp_path, planned(demo_path(), seats=1), demo_path(), api_key="secret") as it:
        assert it.http.get("/health").status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": "sécret".encode()}):
            response = it.http.get("/v1/models", headers=httpx.Headers(headers))  # type: ignore[arg-type]
            assert (response.status_code, response.json()["error"]["code"]) == (
                401,
                "invalid_api_key",
            )
        for good in ({"Authorization": "Bearer secret"}, {"x-api-key": "secret"}):
            assert it.http.get("/v1/models", headers=good).status_code == 200
