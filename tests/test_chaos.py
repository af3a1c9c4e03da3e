"""Engines that fail in ways that a real one cannot be made to: every request gets exactly one
answer or one clear error, and nothing is left over. The engine is tests/fake_engine.py, a real
child process behind the real node; the prompt says what it does."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local_swarm.backends.care import Backoff, Care, Patience
from local_swarm.models.store import demo_path
from local_swarm.node import Node
from local_swarm.serve import Listen, bind, serve
from local_swarm.wire.connection import OneConnection

from .conftest import planned, settings_in

QUICK = Patience(look_s=0.05, suspect_s=0.1, heartbeat_s=0.1, hung_s=0.3)
CARE = Care(QUICK, Backoff(quick=1_000_000, longest_wait_s=0.05))


@dataclass(frozen=True, slots=True)
class Served:
    """A node over the fake engine, in the loop of the test."""

    node: Node
    http: httpx.AsyncClient

    async def ask(self, orders: str, **extra: Any) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": orders}], "max_tokens": 64, **extra}
        return await self.http.post("/v1/chat/completions", json=body)

    async def text(self, orders: str, **extra: Any) -> str:
        told = await self.ask(orders, **extra)
        assert told.status_code == 200, told.text
        return str(told.json()["choices"][0]["message"]["content"])

    @property
    def engine(self) -> Any:
        return self.node.status().engines[0]


def client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, transport=OneConnection())


@asynccontextmanager
async def served(home: Path, care: Care = CARE, seats: int = 3) -> AsyncIterator[Served]:
    path = demo_path()
    node = Node(planned(path, seats=seats), path, care=care)
    child: Any = node.crews[0].engines[0]._child  # type: ignore[attr-defined]
    child._module = "tests.fake_engine"
    child._environment = {**os.environ, "FAKE_STATE": str(home)}
    sock = bind(Listen("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    ready, settings = asyncio.Event(), settings_in(home / "home")
    serving = asyncio.create_task(
        serve(node, Listen("127.0.0.1", 0), settings, lambda _: ready.set(), sock)
    )
    await asyncio.wait_for(ready.wait(), 20)
    try:
        async with client(url) as http:
            yield Served(node, http)
    finally:
        [entry] = (home / "home" / "state" / "nodes").glob("*.json")
        token = httpx.Response(200, content=entry.read_bytes()).json()["token"]
        async with client(url) as http:
            await http.post("/swarm/stop", headers={"X-Control-Token": token})
        await asyncio.wait_for(serving, 20)


async def until(what: Callable[[], bool]) -> None:
    """Waits for it; the test's limit of time ends a wait in vain."""
    while not what():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


COUNT = 1000 if os.environ.get("LOCAL_SWARM_ENGINES") else 400  # a thousand with --all
WHOLE = "w0 w1 w2 w3 "
FAULTS = ("garbage", "http", "mute", "cut=0", "cut=2", "die=0", "die=2", "hang=0", "hang=2")


def test_a_fault_is_asked_once_more(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as it:
            for fault in FAULTS:
                before = it.engine.restarts
                assert await it.text(f"{fault} once") == WHOLE, fault
                assert await it.text(f"{fault} once again=1", model="local-swarm-fast"), fault
                deaths = 2 if fault[:4] in ("die=", "hang") else 0
                assert it.engine.restarts - before == deaths, fault

    asyncio.run(run())


def test_a_fault_that_comes_again_is_one_clear_error(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as it:
            for fault in (*FAULTS, "refuse", "broken"):
                told = await it.ask(fault)
                assert told.status_code in (500, 503), fault
                assert told.json()["error"]["code"] in ("engine_error", "engine_unavailable")
                assert await it.text("fine=1") == WHOLE, fault

    asyncio.run(run())


def test_a_stolen_port_costs_another_start(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "stolen").touch()  # at the first start
        async with served(tmp_path) as it:
            assert (it.engine.state, it.engine.restarts) == ("ready", 1)
            (tmp_path / "stolen").touch()  # at a restart, with a request under way
            assert await it.text("die=2 once") == WHOLE
            assert it.engine.restarts == 3
            assert it.engine.why == "bind: Address already in use"

    asyncio.run(run())


def test_slow_is_not_dead(tmp_path: Path) -> None:
    patience = replace(QUICK, hung_s=0.8, stuck_s=0.8)

    async def run() -> None:
        async with served(tmp_path, replace(CARE, patience=patience)) as it:
            drips = it.text("slow=500", model="local-swarm-fast")  # less than hung_s in between
            # Nothing comes for longer than that, but the working loop says that it works.
            thinks = it.text("think=2500", model="local-swarm-fast")
            assert await drips == WHOLE
            assert await thinks == WHOLE
            assert it.engine.restarts == 0

    asyncio.run(run())


def test_an_engine_that_only_comes_up_to_die_is_taken_out_and_tried_again(tmp_path: Path) -> None:
    backoff = Backoff(quick=3, rest_s=1.0, first_s=0.01)

    async def run() -> None:
        async with served(tmp_path, replace(CARE, backoff=backoff)) as it:
            assert (await it.ask("die=0")).status_code == 503
            assert (await it.ask("die=0")).status_code == 503
            assert (it.engine.state, it.engine.restarts) == ("crashing", 3)
            assert "exit" not in it.engine.why
            assert (await it.http.get("/health")).json() == {"status": "failed"}
            told = await it.ask("fine=1")  # at once: nobody waits for it
            assert told.status_code == 503
            assert "The engine keeps dying" in told.json()["error"]["message"]
            assert "Retry-After" in told.headers
            await until(lambda: it.engine.state == "ready")
            assert await it.text("fine=1") == WHOLE

    asyncio.run(run())


def test_an_idle_model_is_unloaded_and_loaded_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path, replace(CARE, idle_s=0.2)) as it:
            pid = it.engine.pid
            for _ in range(2):
                await until(lambda: it.engine.state == "idle")
                assert it.engine.pid is None and not psutil.pid_exists(pid)
                assert (await it.http.get("/health")).json() == {"status": "ok"}
                both = await asyncio.gather(it.text("slow=150"), it.text("slow=150 a=1"))
                assert set(both) == {WHOLE}
                assert it.engine.restarts == 0
                pid = it.engine.pid

    asyncio.run(run())


async def _one(it: Served, number: int, orders: str, stream: bool, patience: float) -> str:
    """Asks once; "answer", "error" or "left", after a look at the whole of it."""
    body = {"messages": [{"role": "user", "content": orders}], "max_tokens": 64, "stream": stream,
            "model": ("local-swarm", "local-swarm-fast")[number % 2]}  # fmt: skip
    try:
        async with asyncio.timeout(patience):
            status, text = await _post(it, json.dumps(body).encode())
    except TimeoutError:
        return "left"
    if status != 200:
        assert status in (500, 503), text
        assert json.loads(text)["error"]["message"]
        return "error"
    if not stream:
        assert json.loads(text)["choices"][0]["message"]["content"] == WHOLE
        return "answer"
    events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    if events[-1] != "[DONE]":
        assert sum('"error"' in event for event in events) == 1, events
        assert '"error"' in events[-1]
        return "error"
    said = [json.loads(event)["choices"][0]["delta"] for event in events[:-1]]
    assert "".join(delta.get("content") or "" for delta in said) == WHOLE
    return "answer"


async def _post(it: Served, body: bytes) -> tuple[int, str]:
    """Status and body of an answer; by hand, because a thousand clients of a library take longer
    than the node."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(it.node.url.rpartition(":")[2]))
    try:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        said = await reader.read()
    finally:
        writer.close()
    top, _, rest = said.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in top:
        text = b""
        while (size := int(rest.partition(b"\r\n")[0], 16)) > 0:
            begin = rest.index(b"\r\n") + 2
            text, rest = text + rest[begin : begin + size], rest[begin + size + 2 :]
        rest = text
    return int(top.split(b" ")[1]), rest.decode()


@pytest.mark.timeout(300)  # on a busy machine
def test_nothing_is_left_over_after_many_faults(tmp_path: Path) -> None:
    luck = random.Random(9)
    rare = ("die=1", "die=3", "hang=1")  # each costs a start of the engine
    common = ("garbage", "http", "mute", "cut=0", "cut=2", "refuse", "broken")

    async def run() -> None:
        me, told = psutil.Process(), Counter[str]()
        async with served(tmp_path) as it:

            async def work(numbers: list[int]) -> None:
                for number in numbers:
                    fault = rare[number // 50 % 3] if number % 50 == 0 else luck.choice(common)
                    once = "once" if luck.random() < 0.7 else ""
                    leaves = number % 9 == 0
                    orders = f"slow=100 n={number}" if leaves else f"{fault} {once} n={number}"
                    patience = luck.uniform(0.005, 0.2) if leaves else 30
                    told[await _one(it, number, orders, luck.random() < 0.5, patience)] += 1

            await work(list(range(1001, 1021)))
            await _quiet(it)
            before = _held(me)
            await asyncio.gather(*(work(list(range(at, COUNT, 12))) for at in range(12)))
            await _quiet(it)
            assert sum(told.values()) == COUNT + 20
            assert min(told["answer"], told["error"], told["left"]) > COUNT / 20, told
            assert it.engine.kv_reserved == 0
            assert _held(me) == before
            assert await it.text("fine=1") == WHOLE

    asyncio.run(run())
    assert psutil.Process().children(recursive=True) == []


async def _quiet(it: Served) -> None:
    """Waits for the end of all that was begun; the test's limit of time ends a wait in vain."""
    await until(lambda: it.engine.slots_busy + it.engine.queue == 0 and it.engine.state == "ready")
    await asyncio.sleep(0.3)


def _held(me: psutil.Process) -> tuple[object, ...]:
    """Tasks, processes, open files with sockets, and threads."""
    gc.collect()
    tasks = Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]
    return tasks, len(me.children(recursive=True)), me.num_fds()
