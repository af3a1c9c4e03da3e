"""A node under measurement: started as a user starts it, asked over HTTP."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

_OVERHEAD = 26  # tokens of the shapes' chat template around one user message


@dataclass(frozen=True, slots=True)
class Cost:
    """What one measurement took: wall and CPU seconds; CPU of node and engine together."""

    wall: float
    cpu: float


class Node:
    """A running node."""

    def __init__(self, url: str, process: psutil.Process, engine: Path) -> None:
        self.url, self._engine = url, engine
        self._processes = [process, *process.children(recursive=True)]
        self.http = httpx.Client(base_url=url, timeout=600, trust_env=False)

    def engine(self) -> httpx.Client:
        """The way to its engine, past the node."""
        told = json.loads(self._engine.read_text())
        return httpx.Client(
            base_url=told["url"], headers={"Authorization": f"Bearer {told['key']}"}, timeout=600,
            # A connection a request, as the node does: the engine closes some that it just used.
            limits=httpx.Limits(max_keepalive_connections=0), trust_env=False,
        )  # fmt: skip

    def cpu(self) -> float:
        """CPU seconds of node and engine so far."""
        times = [process.cpu_times() for process in self._processes]
        return sum(t.user + t.system for t in times)

    def pss(self) -> int:
        """Memory of node and engine in bytes, shared pages counted once."""
        return sum(process.memory_full_info().pss for process in self._processes)

    def measure(self, bodies: list[dict[str, Any]]) -> Cost:
        """Sends `bodies` at once and waits for all answers."""
        from concurrent.futures import ThreadPoolExecutor

        cpu, started = self.cpu(), time.perf_counter()
        with ThreadPoolExecutor(len(bodies)) as pool:
            list(pool.map(self.ask, bodies))
        return Cost(time.perf_counter() - started, self.cpu() - cpu)

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """One request; raises on any error."""
        response = self.http.post("/v1/chat/completions", json=body)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def body(seats: int, prompt: int, answer: int, seed: int) -> dict[str, Any]:
    """A request whose prompt has exactly `prompt` tokens, all unlike those of other seeds, and
    whose answers have exactly `answer` tokens."""
    letters = random.Random(seed).choices("abcdefghijklmnop", k=prompt - _OVERHEAD)
    return {
        "messages": [{"role": "user", "content": "".join(letters)}],
        "max_tokens": answer,
        "ignore_eos": True,
        "swarm": {"seats": seats},
    }


@contextmanager
def running(model: Path, seats: int, context: int, *flags: str) -> Iterator[Node]:
    """A node that serves `model` on a free port, with a home of its own and further `flags`."""
    with tempfile.TemporaryDirectory() as home:
        told = Path(home, "engine.json")
        command = [sys.executable, "-m", "benchmarks._told", str(told), "run", str(model)]
        command += ["--port", "0"]
        command += ["--seats", str(seats), "--context", str(context), *flags]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LOCAL_SWARM_HOME": home}
        )
        try:
            assert process.stdout
            printed = []
            for line in process.stdout:
                printed.append(line)
                if found := re.search(r"Ready .*(http://\S+)/v1", line):
                    yield Node(found[1], psutil.Process(process.pid), told)
                    return
            raise RuntimeError("the node did not start:\n" + "".join(printed))
        finally:
            process.terminate()
            process.wait(20)


def machine() -> str:
    """One line about the machine that was measured."""
    from local_swarm.hardware.detect import detect

    facts = detect()
    return f"{facts.cpu}, {facts.cores} cores, {facts.memory_total / 2**30:.0f} GiB, {facts.os}"


def last_line(result: dict[str, Any]) -> None:
    """Prints the figures for programs; always the last line."""
    print(json.dumps(result))
