"""The whole API over a swarm whose engine is scripted, on a port of its own."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from local_swarm.api.app import build
from local_swarm.api.guard import Access
from local_swarm.chat import ChatRequest
from local_swarm.status import EngineStatus, ModelCard, NodeStatus
from local_swarm.swarm.manager import Defaults, Swarm

from .engine import ScriptedEngine

_CONTEXT = 131072


class Source:
    """A StatusSource for the scripted engine."""

    def status(self, *, memory: bool = True) -> NodeStatus:
        """See StatusSource."""
        engine = EngineStatus(
            model="scripted", pid=1, state="ready", restarts=0, rss=None, pss=None, slots=16,
            slots_busy=0, kv_cells=_CONTEXT, kv_reserved=0, queue=0, tokens_total=0,
            tokens_per_second=None,
        )  # fmt: skip
        return NodeStatus(
            version="0", state="ok", url="", pid=1, uptime_s=1.0, seats=3, context=_CONTEXT,
            strategy="auto", requests_total=0, engines=(engine,),
        )  # fmt: skip

    def cards(self) -> tuple[ModelCard, ...]:
        """See StatusSource."""
        names = ("local-swarm", "local-swarm-fast", "scripted")
        return tuple(ModelCard(name, _CONTEXT, "scripted", name) for name in names)


class Running:
    """A node and what it was asked."""

    def __init__(self, url: str, engine: ScriptedEngine) -> None:
        self.url, self._engine = url, engine

    def take(self) -> list[ChatRequest]:
        """The requests since the last call."""
        seen, self._engine.seen = self._engine.seen, []
        return seen


@contextmanager
def demo() -> Iterator[str]:
    """The address of a node with the bundled model, started as a user starts it."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "local_swarm", "run", "--demo", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--mode", "standalone"], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LOCAL_SWARM_HOME": home},
        )  # fmt: skip
        try:
            assert process.stdout
            for line in process.stdout:
                if found := re.search(r"Ready .*(http://\S+)/v1", line):
                    yield found[1]
                    return
            raise RuntimeError("the node did not start")
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def running() -> Iterator[Running]:
    """Serves until the block ends."""
    engine, source = ScriptedEngine(), Source()
    app = build(
        Swarm(engine, Defaults(3)), source, Access("127.0.0.1"),
        control_token="t", stop=lambda: None,
    )  # fmt: skip
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{sock.getsockname()[1]}", engine)
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()
