"""Whole nodes on the hosts of a LAN: `local-swarm run --demo`, steered like a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.lan.hosts import PORT, ROOT, Lan, name

SUM = "Sam has 14 apples. Sam buys 7 more. How many apples does Sam have?"
RIGHT = "number:21"
API = "http://127.0.0.1:17600"
_START_S = 60


class Node:
    """A node on a host, with its home in a folder."""

    def __init__(self, lan: Lan, host: int, home: Path, seats: int, peer_port: int = PORT) -> None:
        self.lan, self.host, self.home = lan, host, home
        self.seats, self.peer_port = seats, peer_port
        self.output: list[str] = []
        self._environment = {**os.environ, "LOCAL_SWARM_HOME": str(home)}
        self._spoken = threading.Condition()
        self.process = self._start()

    def ready(self) -> None:
        """Waits until it answers."""
        with self._spoken:
            told = self._spoken.wait_for(
                lambda: any("Try it" in it for it in self.output), _START_S
            )
        assert told, "".join(self.output)

    def again(self) -> None:
        """Starts it once more after its end."""
        self.process.wait(10)
        self.output.clear()
        self.process = self._start()
        self.ready()

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of ours on this host."""
        line = [sys.executable, "-m", "local_swarm", *words]
        return self.lan.run(self.host, line, check=check, env=self._environment, cwd=ROOT)

    def invite(self) -> str:
        """The code of a fresh invitation by an owner who trusts who comes."""
        code: str = json.loads(self.command("invite", "--trust", "--json").stdout)["code"]
        return code

    def hang_up(self, content: str = SUM, after: float = 0.3) -> None:
        """Asks the LAN and does not wait for the answer."""
        body = {"messages": [{"role": "user", "content": content}], "swarm": {"scope": "lan"}}
        words = ["curl", "-s", "--noproxy", "*", "--max-time", str(after), "-d", json.dumps(body)]
        words += ["-H", "Content-Type: application/json", f"{API}/v1/chat/completions"]
        self.lan.run(self.host, words, check=False)

    def ask(self, content: str = SUM, timeout: float = 30, **swarm: Any) -> dict[str, Any]:
        """The verdict on a question, all ballots awaited unless told otherwise."""
        options = {"scope": "lan", "early_stop": False, **swarm}
        body = {"messages": [{"role": "user", "content": content}], "swarm": options}
        reply = self.lan.http(self.host, f"{API}/v1/chat/completions", body, timeout)
        assert "swarm" in reply, reply
        verdict: dict[str, Any] = reply["swarm"]
        return verdict

    def control(self, path: str, body: Any = None) -> Any:
        """A control route, with the node's own token."""
        entry = self.home / "state" / "nodes" / f"{self.process.pid}.json"
        token = json.loads(entry.read_text(encoding="utf-8"))["token"]
        return self.lan.http(self.host, f"{API}{path}", body, headers=[f"X-Control-Token: {token}"])

    def peers(self) -> dict[str, str]:
        """The states of its peers by their names."""
        return {peer["name"]: peer["state"] for peer in self.control("/swarm/peers")["peers"]}

    def sees(self, state: str, *others: Node | str, seconds: float = 30) -> None:
        """Waits until it sees others (nodes, or names of peers) so."""
        names = {other if isinstance(other, str) else other.name for other in others}
        until(lambda: all(self.peers().get(name) == state for name in names), seconds)

    @property
    def name(self) -> str:
        """How peers call it."""
        return name(self.host)

    def engine(self) -> dict[str, Any]:
        """The status of its one engine."""
        status = self.lan.http(self.host, f"{API}/swarm/status")
        engine: dict[str, Any] = status["engines"][0]
        return engine

    def tokens(self) -> int:
        """What its engine has made so far."""
        return int(self.engine()["tokens_total"])

    def freeze(self, what: bool = True) -> None:
        """Stops its engines in mid-air, or lets them go on: the node lives, no token comes."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            child.send_signal(signal.SIGSTOP if what else signal.SIGCONT)

    def kill(self) -> None:
        """Ends it and its engines without a word."""
        family = [*psutil.Process(self.process.pid).children(recursive=True)]
        for process in (psutil.Process(self.process.pid), *family):
            process.kill()

    def _start(self) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "local_swarm", "run", "--demo", "--seats", str(self.seats)]
        process = self.lan.start(
            self.host,
            [*words, "--peer-port", str(self.peer_port)],
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._spoken:
                self.output.append(line)
                self._spoken.notify_all()


def until(what: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.2)


Nodes = tuple[Node, Node, Node]


def whole(nodes: tuple[Node, ...]) -> None:
    """Waits until all see all."""
    for node in nodes:
        node.sees("up", *(other for other in nodes if other is not node))
