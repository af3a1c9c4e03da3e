"""Chaos with the real engine: killed, stopped and starved at the worst moments. Every request gets
its one answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local_swarm.backends.care import Care, Patience
from local_swarm.models.store import demo_path
from local_swarm.node import Vote

from .conftest import Running, planned, running
from .test_cli_run import children, gone, run
from .test_engine import engine as real_engine
from .test_engine import request, texts
from .test_faults import engine, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
LENGTH = 470  # the bundled model holds 512
CARE = Care(Patience(look_s=0.1, suspect_s=0.2, heartbeat_s=0.5, hung_s=3.0))


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The bundled model with 4 seats, watched by an impatient node."""
    path = demo_path()
    made = planned(path, seats=4, context=1024)
    home = tmp_path_factory.mktemp("shaken")
    with running(home, made, path, vote=Vote(escalate=False), care=CARE) as it:
        yield it


def live(node: Running, at: int, fault: signal.Signals, **extra: Any) -> tuple[int, str]:
    """A live answer of LENGTH tokens; `fault` hits the engine when `at` characters have come.
    Returns the tokens that it is said to have, and the end of the stream."""
    body = {"model": "local-swarm-fast", "messages": [{"role": "user", "content": f"at {at}"}],
            "stream": True, "stream_options": {"include_usage": True}, "max_tokens": LENGTH,
            "ignore_eos": True, **extra}  # fmt: skip
    seen, last, tokens = 0, "", 0
    with node.http.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if '"content": "' in line and seen < at:  # what came together is one event
                seen += len(json.loads(line[6:])["choices"][0]["delta"]["content"])
                if seen >= at:
                    os.kill(node.engine_pid, fault)
            assert '"error"' not in line
            if '"completion_tokens": ' in line:
                tokens = int(line.split('"completion_tokens": ')[1].split(",")[0])
            last = line or last
    return tokens, last


@pytest.mark.parametrize("at", [1, 50])
def test_a_live_answer_outlives_a_killed_engine(shaken: Running, at: int) -> None:
    restarts = engine(shaken).restarts
    assert live(shaken, at, signal.SIGKILL) == (LENGTH, "data: [DONE]")
    assert engine(shaken).restarts == restarts + 1


@pytest.mark.parametrize("at", [50])
def test_a_live_answer_outlives_a_stopped_engine(shaken: Running, at: int) -> None:
    before, restarts = shaken.engine_pid, engine(shaken).restarts
    assert live(shaken, at, signal.SIGSTOP) == (LENGTH, "data: [DONE]")
    assert engine(shaken).restarts == restarts + 1
    assert not psutil.pid_exists(before)


def test_a_vote_outlives_a_stopped_engine(shaken: Running) -> None:
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(shaken.chat, "stop", max_tokens=LENGTH, ignore_eos=True)
        wait_for(lambda: engine(shaken).slots_busy == 4)
        os.kill(shaken.engine_pid, signal.SIGSTOP)
        told = job.result()
    assert told.status_code == 200
    assert told.json()["swarm"]["ballots"] == 4


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_a_fault_between_requests_is_not_noticed(shaken: Running, fault: signal.Signals) -> None:
    os.kill(shaken.engine_pid, fault)
    told = shaken.chat("between", max_tokens=40, swarm={"early_stop": False})
    assert told.status_code == 200
    assert told.json()["swarm"]["ballots"] == 4


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit")
def test_an_engine_that_may_have_no_more_memory(shaken: Running) -> None:
    import resource

    before, pid = engine(shaken).restarts, shaken.engine_pid
    resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))  # its next allocation fails
    told = [shaken.chat(f"memory {n}", max_tokens=40) for n in range(3)]
    for one in told:
        assert one.status_code == 200 or one.json()["error"]["code"] == "engine_unavailable"
    assert told[-1].status_code == 200  # by an engine without the limit, or within it
    assert engine(shaken).restarts > before or shaken.engine_pid == pid


def test_a_stopped_engine_does_not_hold_the_node_up(tmp_path: Path) -> None:
    path = demo_path()
    with ThreadPoolExecutor(1) as pool:
        with running(tmp_path, planned(path, seats=3), path) as node:
            pid, url = node.engine_pid, f"{node.url}/v1/chat/completions"
            os.kill(pid, signal.SIGSTOP)
            body = {"messages": [{"role": "user", "content": "never answered"}]}
            job = pool.submit(httpx.post, url, json=body, timeout=60, trust_env=False)
            wait_for(lambda: node.node.status().requests_total == 1)
        told = job.result()  # the node stops long before its watchdog would have found out
    assert told.status_code == 503
    assert told.json()["error"]["code"] == "engine_unavailable"
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="a stopped child cannot watch anything itself")
def test_a_killed_node_takes_a_stopped_engine_along(tmp_path: Path) -> None:
    with run(tmp_path, "--demo", "--port", "0") as process:
        engines = children(process)
        for one in engines:
            one.suspend()
        process.kill()
        assert engines and gone(engines)


def test_two_chats_in_turn_keep_their_prefixes() -> None:
    """Every turn finds the one before in the cache, however the chats alternate: the engine says
    in `timings.cache_n` how much of the prompt it did not read again."""
    cached: list[tuple[int, int]] = []

    async def talk() -> None:
        async with real_engine() as it:
            spied = it._http.events

            async def spy(path: str, asked: dict[str, Any]) -> AsyncIterator[str]:
                first = True
                async with aclosing(spied(path, asked)) as events:
                    async for event in events:
                        timings = json.loads(event).get("timings")
                        if first and timings:
                            cached.append((timings["cache_n"], timings["prompt_n"]))
                            first = False
                        yield event

            it._http.events = spy  # type: ignore[method-assign, assignment]
            chats = {name: [f"{name} and some other words. " * 6] for name in ("Ann", "Bob")}
            for _ in range(3):
                for said in chats.values():
                    [answer, *_] = await texts(it, request(*said), 4)
                    said += [answer, "And then?"]

    asyncio.run(talk())
    (one, _), (two, _), *turns = cached
    assert max(one, two) < 20  # the template's first words at most
    for kept, read in turns:
        assert kept > 60 and read < 40, cached
