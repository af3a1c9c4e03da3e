"""Real nodes for the tests: the bundled model, or one with the shape of a real one, behind the
real API on a free port."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import psutil
import pytest

from benchmarks._shapes import make
from local_swarm import settings as configuration
from local_swarm.backends.care import USUAL, Care
from local_swarm.chat import Responder
from local_swarm.crew import Crew
from local_swarm.hardware.budget import budget
from local_swarm.hardware.detect import detect
from local_swarm.models.gguf import read_spec
from local_swarm.models.planner import Plan, plan
from local_swarm.models.store import demo_path
from local_swarm.network.lan import Lan
from local_swarm.node import Node, Vote
from local_swarm.serve import Listen, bind, serve
from local_swarm.settings import Settings
from local_swarm.tools.service import ServerTools
from local_swarm.wire import runtime

# A slow machine is no reason for a property to fail.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")

SUM = "Sam has 14 apples. Sam buys 7 more. How many apples does Sam have?"


def pytest_xdist_auto_num_workers() -> int:
    """How many tests run side by side: one a processor, since their engines write with two threads
    each, and no more than memory can be counted on to bear."""
    return max(2, min(os.cpu_count() or 1, 6))


@dataclass(frozen=True, slots=True)
class Running:
    """A node under test."""

    url: str
    node: Node
    settings: Settings
    http: httpx.Client

    def chat(self, content: str = SUM, **extra: Any) -> httpx.Response:
        """One plain chat request."""
        body = {"messages": [{"role": "user", "content": content}], **extra}
        return self.http.post("/v1/chat/completions", json=body)

    @property
    def engine_pid(self) -> int:
        pid = self.node.status().engines[0].pid
        assert pid is not None
        return pid


def settings_in(home: Path) -> Settings:
    """Settings whose files all live under `home`, without any network."""
    return replace(
        configuration.read(),
        data=home,
        state=home / "state",
        runtime=home / "state",
        port=None,
        hub="http://127.0.0.1:9",
    )


def planned(path: Path, **wish: int) -> Plan:
    """A plan for the model file at `path`."""
    profile = detect()
    return plan(profile, budget(profile), [read_spec(path)], **wish)


@contextmanager
def running(
    home: Path,
    made: Plan | None,
    path: Path | None,
    *,
    api_key: str | None = None,
    vote: Vote | None = None,
    models: Path | None = None,
    others: Sequence[Crew] = (),
    lan: Lan | None = None,
    care: Care = USUAL,
    server_tools: ServerTools | None = None,
    around: Callable[[Responder], Responder] = lambda responder: responder,
) -> Iterator[Running]:
    """Serves a plan from a thread of its own until the block ends."""
    settings = settings_in(home)
    listen = Listen("127.0.0.1", 0, api_key)
    sock = bind(listen)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    node, ready = (
        Node(
            made,
            path,
            vote,
            models,
            others=others,
            lan=lan,
            care=care,
            server_tools=server_tools,
        ),
        threading.Event(),
    )
    failure: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(serve(node, listen, settings, lambda _: ready.set(), sock, around))
        except BaseException as error:
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="node")
    thread.start()
    try:
        assert ready.wait(60)
        if failure:
            raise failure[0]
        with httpx.Client(base_url=url, timeout=110, trust_env=False) as http:
            yield Running(url, node, settings, http)
    finally:
        engines = [engine.pid for engine in node.status().engines]
        for entry in runtime.running(settings.nodes):
            key = {"Authorization": f"Bearer {api_key}"} if api_key else {}
            httpx.post(
                f"{url}/swarm/stop",
                headers={"X-Control-Token": entry.token, **key},
                trust_env=False,
            )
        thread.join(30)
        assert not thread.is_alive()
        assert runtime.running(settings.nodes) == []
        assert not any(pid and psutil.pid_exists(pid) for pid in engines)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The bundled model with 5 seats."""
    path = demo_path()
    made = planned(path, seats=5)
    made = replace(made, spec=replace(made.spec, id="demo"))
    with running(tmp_path_factory.mktemp("node"), made, path) as it:
        yield it


@pytest.fixture(scope="session")
def slow_model() -> Path:
    """A model of 135M random weights: slow enough to be interrupted. Made once, then cached."""
    return make("135m")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, slow_model: Path) -> Iterator[Running]:
    """The slow model with 8 seats and a context of 1024. Its words are random and never agree: a
    second round would only double the time."""
    made = planned(slow_model, seats=8, context=1024)
    vote = Vote(escalate=False)
    with running(tmp_path_factory.mktemp("slow"), made, slow_model, vote=vote) as it:
        yield it
