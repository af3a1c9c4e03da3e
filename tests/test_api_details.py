"""What breaks clients, one test a detail, on cue: silence, failures, slow and strange callers."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from local_swarm.api import answer, guard
from local_swarm.api.app import build
from local_swarm.api.openai_chat import ChatWire
from local_swarm.api.policy import Settled
from local_swarm.ballot import Answer
from local_swarm.chat import ChatRequest, Delta, Event
from local_swarm.errors import QueueFull
from local_swarm.serve import Listen, bind

from .conftest import Running
from .scripted_api import CALL, WORDS, Script, vote

USER = [{"role": "user", "content": "Is it?"}]
CHATS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": USER}),
    ("/v1/responses", {"input": "Is it?"}),
    ("/v1/messages", {"messages": USER, "max_tokens": 99}),
    ("/api/chat", {"messages": USER}),
    ("/api/generate", {"prompt": "Is it?"}),
]


def ask(says: list[Event | Exception | float], path: str, body: dict[str, Any]) -> Any:
    return Script(says).ask("POST", path, body)


@pytest.mark.parametrize(
    ("path", "body", "sign"),
    [
        (*CHATS[0], '"delta": {"content": ""}'),
        (*CHATS[1], "event: response.in_progress"),
        (*CHATS[2], "event: ping"),
        (*CHATS[3], '"content": ""}, "done": false'),
        (*CHATS[4], '"response": "", "done": false'),
    ],
)
def test_silence_is_broken_by_what_clients_count(
    path: str, body: dict[str, Any], sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "COMMENT_S", 0.02)
    monkeypatch.setattr(answer, "CHUNK_S", 0.05)
    quiet = ask([*vote(WORDS)], path, {**body, "stream": True}).text
    silent = ask([*vote(WORDS)[:1], 0.4, *vote(WORDS)[1:]], path, {**body, "stream": True}).text
    assert silent.count(sign) >= quiet.count(sign) + 3
    if "/api/" not in path:
        assert silent.count(": waiting\n\n") >= 3


@pytest.mark.parametrize(("path", "body"), CHATS)
def test_a_stream_begins_before_there_is_anything_to_say(
    path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "COMMENT_S", 0.02)
    body = {**body, "stream": True}
    late = ask([0.1, *vote(WORDS)], path, body)
    assert late.status_code == 200 and "Yes, it is." in late.text.replace('"', "")
    failed = ask([0.1, QueueFull(5)], path, body)  # too late for a status of its own
    assert failed.status_code == 200 and "rror" in failed.text
    assert ask([QueueFull(5)], path, body).status_code == 429


def test_a_busy_vote_is_no_sign_of_life_for_who_ignores_comments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer, "CHUNK_S", 0.05)
    progress = [item for _ in range(30) for item in (vote(WORDS)[0], 0.01)]
    text = ask([*progress, *vote(WORDS)], "/v1/responses", {"input": "x", "stream": True}).text
    assert text.count("event: response.in_progress") >= 4


@pytest.mark.parametrize(("path", "body"), CHATS)
@pytest.mark.parametrize("stream", [False, True])
def test_what_nobody_caught_is_a_500_without_words(
    path: str, body: dict[str, Any], stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = ask([RuntimeError("secret prompt")], path, {**body, "stream": stream})
    assert response.status_code == 500
    assert "error" in response.json()
    assert "secret" not in response.text + caplog.text
    assert "RuntimeError" in response.text


def test_a_bug_behind_the_routes_is_a_500_and_told_without_words(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([])

    def broken() -> Any:
        raise RuntimeError("secret prompt")

    monkeypatch.setattr(Script, "cards", lambda self: broken())
    response = script.ask("GET", "/v1/models")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    assert "RuntimeError at broken" in caplog.text
    assert "secret" not in response.text + caplog.text


@pytest.mark.parametrize(("path", "body"), CHATS)
def test_nulls_and_unknown_parameters_are_tolerated(path: str, body: dict[str, Any]) -> None:
    names = (
        "model", "stream", "max_tokens", "temperature", "top_p", "tools", "tool_choice", "stop",
        "system", "format", "options", "instructions", "text", "swarm", "n", "seed", "images",
        "stop_sequences", "max_output_tokens", "stream_options", "response_format", "logprobs",
    )  # fmt: skip
    sent = {**dict.fromkeys(names), **body, "stream": False, "whatever": {"a": [1]}, "user": "x"}
    response = ask([*vote(WORDS)], path, sent)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(("path", "body"), CHATS)
def test_the_asked_model_name_is_echoed(path: str, body: dict[str, Any]) -> None:
    asked = {"/v1/messages": "claude-x", "/api/chat": "demo:latest", "/api/generate": "demo:latest"}
    name = asked.get(path, "demo")
    response = ask([*vote(WORDS)], path, {**body, "model": name, "stream": False})
    assert response.json()["model"] == name


def test_every_tool_call_has_an_id_and_text_for_arguments() -> None:
    call = CALL.tool_calls[0]
    nameless = Answer("", (type(call)("", call.name, call.arguments),))
    body = {"messages": USER, "stream": True}
    text = ask([*vote(nameless)], "/v1/chat/completions", body).text
    [delta] = [
        json.loads(line[6:])["choices"][0]["delta"]
        for line in text.splitlines()
        if '"tool_calls"' in line
    ]
    [made] = delta["tool_calls"]
    assert (made["index"], made["type"], made["id"][:5]) == (0, "function", "call_")
    assert made["function"] == {"name": call.name, "arguments": call.arguments}


def test_reasoning_is_shown_but_never_as_content() -> None:
    thinking = [Delta(Answer("", (), "Hm.")), *vote(WORDS)[2:]]
    text = ask([*thinking], "/v1/chat/completions", {"messages": USER, "stream": True}).text
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    [thought] = [c for c in chunks if "reasoning_content" in c["choices"][0]["delta"]]
    assert thought["choices"][0]["delta"] == {"content": None, "reasoning_content": "Hm."}


def test_huge_headers_are_refused(node: Running) -> None:
    response = node.http.get("/v1/models", headers={"X-Long": "x" * 40_000})
    assert (response.status_code, response.json()["error"]["code"]) == (431, "headers_too_large")


def test_a_slow_body_is_refused(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_BODY_S", 0.2)
    address = ("127.0.0.1", int(node.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=20) as wire:
        wire.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"mess'
        )
        told = wire.recv(4096)
    assert told.startswith(b"HTTP/1.1 408")


def test_who_does_not_read_holds_no_seat() -> None:
    script = Script([*vote(WORDS)])
    taken = asyncio.Event()

    async def events() -> AsyncIterator[Event]:
        async for event in script.respond(ChatRequest("r", ())):
            yield event
        taken.set()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # the caller takes nothing

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        request = Settled(ChatRequest("r", ()))
        wire = ChatWire(request, choices=1, include_usage=False)
        response = answer.AnswerResponse(events, wire, stream=True)
        sending = asyncio.create_task(response({"type": "http", "path": "/"}, receive, send))
        await asyncio.wait_for(taken.wait(), 10)  # the engine's answer was taken to its end
        assert not sending.done()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    asyncio.run(main())


def test_who_takes_nothing_for_long_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_SLOW_S", 0.05)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        wire = ChatWire(Settled(ChatRequest("r", ())), choices=1, include_usage=False)
        script = Script([*vote(WORDS)])
        response = answer.AnswerResponse(
            lambda: script.respond(ChatRequest("r", ())), wire, stream=True
        )
        await asyncio.wait_for(response({"type": "http", "path": "/"}, receive, send), 10)

    asyncio.run(main())


@pytest.mark.parametrize(("path", "body"), CHATS)
def test_a_full_queue_says_when_to_come_back(path: str, body: dict[str, Any]) -> None:
    for stream in (False, True):
        response = ask([QueueFull(128)], path, {**body, "stream": stream})
        assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    kind = response.json()["error"]
    assert path != "/v1/messages" or kind["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer k"}, 200),
        ({"authorization": "bearer  k"}, 200),
        ({"api-key": "k"}, 200),
        ({"x-api-key": "k", "origin": "http://192.168.1.5:17600"}, 200),
        ({"x-api-key": "k", "origin": "http://192.168.1.5:80"}, 403),
        ({"x-api-key": "k", "origin": "https://evil.example"}, 403),
    ],
)
def test_a_node_on_the_network_serves_its_own_page_and_holders_of_the_key(
    headers: dict[str, str], status: int
) -> None:
    script = Script([])
    app = build(script, script, guard.Access("0.0.0.0", "k"), control_token="t", stop=lambda: None)

    async def get() -> httpx.Response:
        wire = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=wire, base_url="http://192.168.1.5:17600") as http:
            return await http.get("/v1/models", headers=headers)

    response = asyncio.run(get())
    assert response.status_code == status
    allowed = response.headers.get("access-control-allow-origin")
    assert allowed == (headers.get("origin") if status == 200 else None)


def test_what_the_api_accepts_sends_at_once() -> None:
    """With Nagle's algorithm every request on a kept connection takes 40 ms more."""

    async def main() -> int:
        taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Connection(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                own: socket.socket = transport.get_extra_info("socket")
                taken.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        sock = bind(Listen("127.0.0.1", 0))
        async with await asyncio.get_running_loop().create_server(Connection, sock=sock):
            _, writer = await asyncio.open_connection(*sock.getsockname())
            writer.close()
            return await taken

    assert asyncio.run(main())
