"""The agent of a machine with two peers: they vote on what is done, and alone they do nothing.

Real nodes, paired by the commands, and the real `local-swarm agent`. The engines of the peers are
real too; in one test their owner has them read another task than the one they were sent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from local_swarm.chat import ChatRequest

from .conftest import Running
from .test_lan_node import Command, demo

WRITE = 'Write "hello" to out.txt'


@dataclass(frozen=True)
class Swarm:
    """A machine that asks and two that it trusts, with 3 seats each."""

    home: Path
    one: Running
    peers: tuple[Running, ...]

    def agent(self, folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
        """The exit code of the real command, and what it tells programs."""
        done = subprocess.run(
            [sys.executable, "-m", "local_swarm", "agent", "--json", "--url", self.one.url, *words],
            env={**os.environ, "LOCAL_SWARM_HOME": str(self.home)}, cwd=folder, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)

    def made(self) -> list[int]:
        """Tokens that the engines of the peers have made."""
        return [peer.node.status().engines[0].tokens_total for peer in self.peers]


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    home = tmp_path_factory.mktemp("swarm")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        one, *peers = (stack.enter_context(demo(home / name)) for name in "abc")
        a = Command(home / "a", patch)
        for name in "bc":
            line = a("invite", "--trust").split()
            port = json.loads(a("peers", "--json"))["port"]
            joined = Command(home / name, patch)(*line[1:], "--at", f"127.0.0.1:{port}")
            assert "Paired with" in joined
        deadline = time.monotonic() + 30
        while [it["state"] for it in json.loads(a("peers", "--json"))["peers"]] != ["up", "up"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Swarm(home / "agent", one, tuple(peers))


@contextmanager
def misled(running: Running) -> Iterator[None]:
    """The engine of a node reads `evil` where it was sent `hello`."""
    [engine] = running.node.crews[0].engines
    sample = engine.sample

    def other_words(request: ChatRequest, seats: int) -> AsyncIterator[Any]:
        messages = json.loads(json.dumps(request.messages).replace("hello", "evil"))
        sure = {**request.sampling, "temperature": 0.05}
        return sample(replace(request, messages=tuple(messages), sampling=sure), seats)

    engine.sample = other_words  # type: ignore[method-assign]
    try:
        yield
    finally:
        engine.sample = sample  # type: ignore[method-assign]


def test_workers_of_all_machines_vote_on_what_is_done(swarm: Swarm, tmp_path: Path) -> None:
    code, told = swarm.agent(tmp_path, "--auto-edit", WRITE)
    assert code == 0 and (tmp_path / "out.txt").read_text() == "hello"
    [act] = told["actions"]
    assert act["workers"] == 9 and act["votes"] > 4 and act["ok"]


def test_what_only_peers_propose_is_not_done_though_it_has_the_majority(
    swarm: Swarm, tmp_path: Path
) -> None:
    acts: list[dict[str, Any]] = []
    with ExitStack() as stack:
        for peer in swarm.peers:
            stack.enter_context(misled(peer))
        for _ in range(3):  # on a busy machine the peers may come too late to win
            code, told = swarm.agent(tmp_path, "--yolo", WRITE)
            # The model is told, and says so in words, proposes the same once more, or gives up.
            assert list(tmp_path.iterdir()) == [] and code in (0, 1, 3)
            assert not any(act["ok"] for act in told["actions"])
            evil = [act for act in told["actions"] if act["arguments"]["content"] == "evil"]
            acts = [act for act in evil if 2 * act["votes"] > act["workers"]]
            if acts:
                break
    assert acts
    for act in acts:
        assert act["by"] is None
        assert "no worker of this machine proposed it" in act["result"]


def test_with_local_only_no_peer_is_asked(swarm: Swarm, tmp_path: Path) -> None:
    before = swarm.made()
    code, told = swarm.agent(tmp_path, "--auto-edit", "--local-only", WRITE)
    assert code == 0 and told["actions"][0]["workers"] == 3
    assert swarm.made() == before
