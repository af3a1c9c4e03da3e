"""What goes wrong on real machines: hang-ups, killed engines, full caches, impatient crowds."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local_swarm.api import answer
from local_swarm.node import Vote
from local_swarm.status import EngineStatus

from .conftest import Running, planned, running

LONG: dict[str, Any] = {"max_tokens": 400, "ignore_eos": True}


def engine(node: Running) -> EngineStatus:
    return node.node.status().engines[0]


def wait_for(what: Any, seconds: float = 20) -> None:
    """Polls until `what()` holds; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize("stream", [False, True])
def test_a_hang_up_frees_all_seats(slow: Running, stream: bool) -> None:
    body = f'{{"messages":[{{"role":"user","content":"hang {stream}"}}],"max_tokens":400,'
    body += f'"ignore_eos":true,"stream":{str(stream).lower()}}}'
    port = int(slow.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as wire:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        wire.sendall((head + body).encode())
        wait_for(lambda: engine(slow).slots_busy == 8)
    wait_for(lambda: engine(slow).slots_busy == 0)
    assert engine(slow).kv_reserved == 0


def test_a_hang_up_in_the_queue_gives_up_the_place(slow: Running) -> None:
    with ThreadPoolExecutor(3) as pool:
        running_now = [
            pool.submit(slow.chat, f"fill {i}", max_tokens=80, ignore_eos=True) for i in range(2)
        ]
        wait_for(lambda: engine(slow).slots_busy == 16)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{slow.url}/v1/chat/completions",
                json={"messages": [{"role": "user", "content": "impatient"}], **LONG},
                timeout=0.3,
                trust_env=False,
            )
        wait_for(lambda: engine(slow).queue == 0, 5)
        assert [job.result().status_code for job in running_now] == [200, 200]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_engine_costs_a_retry_not_the_answer(slow: Running) -> None:
    before, restarts = slow.engine_pid, engine(slow).restarts
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(slow.chat, "kill", max_tokens=60, ignore_eos=True)
        wait_for(lambda: engine(slow).slots_busy == 8)
        time.sleep(0.5)  # in the middle
        os.kill(before, signal.SIGKILL)
        told = job.result()
    assert told.status_code == 200
    assert told.json()["swarm"]["ballots"] == 8
    assert engine(slow).restarts == restarts + 1
    assert slow.engine_pid != before
    assert not psutil.pid_exists(before)


def test_a_live_answer_goes_on_where_the_engine_died(slow: Running) -> None:
    body = {"model": "local-swarm-fast", "messages": [{"role": "user", "content": "live"}],
            "stream": True, "max_tokens": 120, "ignore_eos": True}  # fmt: skip
    seen, last, killed = 0, "", False
    with slow.http.stream("POST", "/v1/chat/completions", json=body) as response:
        for line in response.iter_lines():
            seen += '"content": "' in line and '"content": ""' not in line
            if seen == 20 and not killed:
                os.kill(slow.engine_pid, signal.SIGKILL)
                killed = True
            assert '"error"' not in line
            last = line or last
    assert killed
    assert seen > 60
    assert last == "data: [DONE]"


def test_an_engine_that_keeps_dying_is_a_clear_503(slow: Running) -> None:
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(slow.chat, "kill twice", **LONG)
        for _ in range(2):
            wait_for(lambda: engine(slow).slots_busy == 8 and engine(slow).state == "ready")
            time.sleep(0.3)
            deaths = engine(slow).restarts
            os.kill(slow.engine_pid, signal.SIGKILL)
            while engine(slow).restarts == deaths:  # on a busy machine it is noticed late
                time.sleep(0.01)
        told = job.result()
    assert told.status_code == 503
    assert told.json()["error"]["code"] == "engine_unavailable"
    wait_for(lambda: engine(slow).state == "ready")
    assert slow.chat("again", max_tokens=4).status_code == 200


def test_a_request_of_many_seats_is_not_starved_by_single_ones(slow: Running) -> None:
    stop = threading.Event()
    finished: list[int] = []

    def singles() -> None:
        while not stop.is_set():
            slow.chat("single", model="local-swarm-fast", max_tokens=20, ignore_eos=True)
            finished.append(1)

    threads = [threading.Thread(target=singles) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: engine(slow).slots_busy == 16)
        before = len(finished)
        many = slow.chat("many", max_tokens=8, ignore_eos=True, swarm={"seats": 16})
        assert many.json()["swarm"]["ballots"] == 16
        # Nobody who came later passed: only those ahead in the queue and their successors.
        assert len(finished) - before <= 60
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_kv_cache_is_never_overrun(tmp_path: Path, slow_model: Path) -> None:
    from dataclasses import replace

    made = replace(planned(slow_model, seats=8, context=1024), cells=1280)
    vote = Vote(escalate=False)
    with (
        running(tmp_path, made, slow_model, vote=vote) as node,
        ThreadPoolExecutor(3) as pool,
    ):
        jobs = [
            pool.submit(node.chat, "a" * 300, max_tokens=60, ignore_eos=True),
            pool.submit(node.chat, "b" * 300, max_tokens=60, ignore_eos=True),
            pool.submit(
                node.chat, "c" * 600, max_tokens=150, model="local-swarm-fast", ignore_eos=True
            ),
        ]
        answers = [job.result() for job in jobs]
        assert [one.status_code for one in answers] == [200] * 3
        assert all(one.json()["swarm"]["degraded"] is None for one in answers)
        crowded = node.chat("d" * 300, max_tokens=150, ignore_eos=True).json()["swarm"]
        assert crowded["degraded"] == "memory for 6 of 8 answers of up to 150 tokens"
        assert (crowded["seats"], crowded["ballots"], crowded["cancelled"]) == (8, 6, 0)


def test_a_deadline_ends_the_vote(slow: Running) -> None:
    late = slow.chat("deadline", swarm={"deadline_s": 0.2}, **LONG)
    assert late.status_code == 503
    assert late.json()["error"]["code"] == "no_answer"
    wait_for(lambda: engine(slow).slots_busy == 0)


def test_a_silent_vote_shows_signs_of_life(slow: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "COMMENT_S", 0.1)
    monkeypatch.setattr(answer, "CHUNK_S", 0.4)
    body = {"messages": [{"role": "user", "content": "silent"}], "stream": True,
            "max_tokens": 40, "ignore_eos": True}  # fmt: skip
    with slow.http.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines.count(": waiting") >= 3
    assert any(
        '"delta": {"content": ""}' in line and '"finish_reason": null' in line for line in lines
    )
    assert lines[-1] == "data: [DONE]"
