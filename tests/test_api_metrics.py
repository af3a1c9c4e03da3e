"""The metrics of a real node."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from local_swarm.models.store import demo_path

from .conftest import SUM, Running, planned, running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, planned(demo_path(), seats=3), demo_path()) as it:
        yield it


def metrics(node: Running) -> dict[tuple[str, ...], float]:
    """Samples by name and label values."""
    response = node.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_votes_and_what_they_cost_are_counted(fresh: Running) -> None:
    swarm = fresh.chat(swarm={"early_stop": False}).json()["swarm"]
    live = fresh.chat(model="local-swarm-fast").json()
    fresh.http.post("/v1/completions", json={"prompt": "hello", "max_tokens": 3})
    fresh.chat("hello", model="nobody")
    fresh.http.get("/nothing")
    assert fresh.chat("apple " * 3000).status_code == 400
    seen = metrics(fresh)
    votes = [v for k, v in seen.items() if k[0] == "local_swarm_votes_total"]
    assert sum(votes) == seen["local_swarm_vote_share_count",] == 1
    assert seen["local_swarm_vote_share_sum",] == swarm["share"]
    assert seen["local_swarm_decision_seconds_count",] == 1
    assert sum(v for k, v in seen.items() if k[0] == "local_swarm_seats_total") == 3
    winners = swarm["tokens"]["winner"] + live["usage"]["completion_tokens"]
    assert seen["local_swarm_tokens_total", "winner"] == winners
    assert seen["local_swarm_tokens_total", "saved"] == 0
    for how in ("vote", "live", "text"):
        assert seen["local_swarm_first_token_seconds_count", how] == 1
    route = "/v1/chat/completions"
    assert seen["local_swarm_http_requests_total", route, "200"] == 2
    assert seen["local_swarm_http_requests_total", route, "404"] == 1
    # A request ends once the caller has its answer: the last one may not be counted yet.
    wait_for(lambda: metrics(fresh)["local_swarm_http_request_seconds_count", route] == 4)
    assert seen["local_swarm_http_requests_total", "none", "404"] == 1
    assert seen["local_swarm_errors_total", "context_length_exceeded"] == 1


def test_what_the_engine_is_busy_with_is_told(fresh: Running) -> None:
    fresh.chat(swarm={"early_stop": False})
    seen = metrics(fresh)
    model = fresh.node.crews[0].model
    assert seen["local_swarm_up",] == 1
    assert seen["local_swarm_slots", model] == 6
    assert seen["local_swarm_slots_busy", model] == seen["local_swarm_queue", model] == 0
    assert seen["local_swarm_engine_restarts_total", model] == 0
    assert seen["local_swarm_engine_tokens_total", model] > 10
    assert seen["local_swarm_tokens_per_second", model] > 0


def test_who_hangs_up_is_counted_and_frees_the_slots(fresh: Running) -> None:
    body = {"messages": [{"role": "user", "content": SUM}], "max_tokens": 400, "ignore_eos": True}
    for path, sent in (
        ("/v1/chat/completions", body),
        ("/v1/messages", body),
        ("/api/chat", {**body, "stream": False, "options": {"num_predict": 400}}),
        ("/v1/completions", {"prompt": "x", "max_tokens": 400, "ignore_eos": True}),
    ):
        before = metrics(fresh)["local_swarm_hang_ups_total",]
        raw = json.dumps({**sent, "temperature": 2.0, "min_p": 0}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        address = ("127.0.0.1", int(fresh.url.rpartition(":")[2]))
        with socket.create_connection(address) as wire:
            wire.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
            wait_for(lambda: fresh.node.status().engines[0].slots_busy > 0)
        wait_for(lambda: fresh.node.status().engines[0].slots_busy == 0)
        assert metrics(fresh)["local_swarm_hang_ups_total",] == before + 1, path


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_no_words_of_a_caller_become_labels(fresh: Running) -> None:
    fresh.http.get("/v1/models/secret-word")
    fresh.http.get("/secret-word")
    fresh.chat("secret-word", model="secret-word")
    assert "secret-word" not in fresh.http.get("/metrics").text
