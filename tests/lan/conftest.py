"""The LAN for a test, and nodes without an engine in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lan import hosts
from tests.lan.hosts import PORT, ROOT, Lan, name
from tests.lan.nodes import Node, Nodes, whole
from tests.lan_peers import Machine, machine, pair


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.lan)


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where no LAN can be made."""
    if why := hosts.forbidden():
        if os.environ.get("LOCAL_SWARM_CI") and "not installed" in why:
            raise AssertionError(why)  # CI installs them: .ci/debian.txt
        pytest.skip(why)


@pytest.fixture
def lan(namespaces: None) -> Iterator[Lan]:
    """Three hosts on a switch."""
    with Lan(3) as made:
        yield made


class Light:
    """A running `tests.lan.light` and what it has said of its peers, with the time of it."""

    def __init__(self, lan: Lan, host: int, of: Machine) -> None:
        self.host = host
        self.id = of.identity.device_id
        words = [sys.executable, "-m", "tests.lan.light", str(of.folder), str(PORT)]
        self.process = lan.start(host, words, cwd=ROOT, stdout=subprocess.PIPE)
        self.said: list[tuple[float, dict[str, tuple[str, str | None, str | None]]]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def state(self, of: Light) -> str:
        """How it sees another one now."""
        return self.said[-1][1][of.id][0] if self.said else "down"

    def trouble(self, of: Light) -> str | None:
        """Why it does not see another one."""
        return self.said[-1][1][of.id][2] if self.said else None

    def address(self, of: Light) -> str | None:
        """Where it found another one."""
        return self.said[-1][1][of.id][1]

    def wait(self, what: Callable[[], bool], seconds: float = 30) -> float:
        """Waits for something that this node says; returns how long that took."""
        start = time.monotonic()
        with self._news:
            assert self._news.wait_for(what, seconds), self.said[-3:]
        return time.monotonic() - start

    def begun(self) -> None:
        """Waits until it serves."""
        self.wait(lambda: bool(self.said))

    def sees(self, of: Light, state: str = "up", seconds: float = 30) -> float:
        """Waits until it sees another one so; returns how long that took."""
        return self.wait(lambda: self.state(of) == state, seconds)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.said.append((time.monotonic(), json.loads(line)))
                self._news.notify_all()


@pytest.fixture
def lights(lan: Lan, tmp_path: Path) -> Callable[[int], Light]:
    """Starts a node without an engine on a host; all are paired already."""
    machines = {host: machine(tmp_path / str(host)) for host in lan.hosts}
    pair(*machines.values())
    return lambda host: Light(lan, host, machines[host])


@pytest.fixture(scope="module")
def nodes(namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Hosts 1 to 3 with 4, 2 and 3 workers, paired already, who trust each other.

    New ones for each module: a peer that was late time and again is asked only now and then
    (federation.Federation), so what one module has done to it would be seen in the next.
    """
    homes = tmp_path_factory.mktemp("homes")
    machines = {host: machine(homes / str(host) / "lan") for host in (1, 2, 3)}
    for host, one_of in machines.items():
        for other, it in machines.items():
            if other != host:
                one_of.book.put(replace(it.as_peer, name=name(other), trusted=True))
    with Lan(3) as lan:
        one, two, three = (
            Node(lan, host, homes / str(host), seats, port)
            for host, seats, port in ((1, 4, PORT), (2, 2, PORT), (3, 3, 18701))
        )
        for node in (one, two, three):
            node.ready()
        whole((one, two, three))
        yield one, two, three
