"""Traces of a real node, received over real HTTP and read by OpenTelemetry's own messages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local_swarm.chat import ChatRequest, Event
from local_swarm.errors import EngineError, UsageError
from local_swarm.models.store import demo_path
from local_swarm.telemetry import traced

from .conftest import planned, running
from .scripted_api import WORDS, Script, vote


class Collector:
    """An OTLP collector: keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.url = ""

    @property
    def spans(self) -> list[tuple[str, dict[str, Any], int]]:
        """Name, attributes and status code of all spans."""
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        told = {a.key: _value(a.value) for a in span.attributes}
                        found.append((span.name, told, span.status.code))
        return found


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@pytest.fixture
def collector() -> Iterator[Collector]:
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                assert self.headers.get("Content-Encoding") is None
                kept.bodies.append(sent)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def ask(responder: Any, question: str) -> list[Event]:
    async def main() -> list[Event]:
        request = ChatRequest("r1", ({"role": "user", "content": question},))
        return [event async for event in responder.respond(request)]

    return asyncio.run(main())


def test_a_chat_is_a_span_without_a_word_of_it(collector: Collector, tmp_path: Path) -> None:
    made = planned(demo_path(), seats=5)
    with traced(collector.url) as around, running(tmp_path, made, demo_path(), around=around) as it:
        assert "Answer: 21" in it.chat().text
    [(name, told, status)] = collector.spans
    assert name == "chat local-swarm"
    assert status == 0
    assert told["gen_ai.usage.input_tokens"] > 10
    assert told["local_swarm.seats"] == 5
    assert told["local_swarm.kind"] == "number"
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    for words in (b"apples", b"Answer", b"Sam"):
        assert not any(words in body for body in collector.bodies)


def test_a_failure_is_marked_and_told(collector: Collector) -> None:
    with traced(collector.url) as around, pytest.raises(EngineError):
        ask(around(Script([EngineError("secret words")])), "hello")
    [(_, told, status)] = collector.spans
    assert (told["error.type"], status) == ("EngineError", 2)
    assert not any(b"secret" in body for body in collector.bodies)


def test_who_leaves_ends_the_span(collector: Collector) -> None:
    async def main(responder: Any) -> None:
        events = responder.respond(ChatRequest("r1", ()))
        await anext(events)
        await events.aclose()

    with traced(collector.url) as around:
        asyncio.run(main(around(Script(vote(WORDS)))))
    [(_, told, status)] = collector.spans
    assert (told["error.type"], status) == ("cancelled", 0)


def test_a_collector_that_is_not_there_costs_no_answer() -> None:
    with traced("http://127.0.0.1:9") as around:
        assert len(ask(around(Script(vote(WORDS))), "hello")) == 4


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(UsageError, match="no address"), traced("localhost:4318"):
        pass


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(UsageError) as told, traced("http://127.0.0.1:4318"):
        pass
    assert "local-swarm[telemetry]" in str(told.value.hint)
