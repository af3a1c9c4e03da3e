"""One node after the other on one socket: what `run` prints and serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from rich.console import Console

from .. import logs
from .. import settings as configuration
from ..backends.care import Care
from ..chat import Responder
from ..enlist import Enlisted
from ..hardware.budget import GIB
from ..hardware.profile import HardwareProfile
from ..network.lan import Lan
from ..network.mode import Mode
from ..node import Node, Vote
from ..serve import Listen, serve
from ..status import NodeStatus
from ..tools.service import ServerTools


@dataclass(frozen=True, slots=True)
class Service:
    """What stays the same when a better model takes over."""

    console: Console
    settings: configuration.Settings
    listen: Listen
    sock: socket.socket
    vote: Vote
    care: Care
    allowed: ServerTools | None
    around: Callable[[Responder], Responder]

    def serve(
        self,
        enlisted: Enlisted,
        lan: Lan,
        until: Future[Enlisted] | None = None,
        hold: bool = False,
    ) -> bool:
        """See serve.serve. Raises SwarmError."""
        node = Node(
            None,
            None,
            self.vote,
            self.settings.models,
            others=enlisted.crews,
            lan=lan,
            care=self.care,
            server_tools=self.allowed,
        )
        report(self.console, enlisted)
        started = time.monotonic()

        def ready(status: NodeStatus) -> None:
            waiting.close()
            self._ready(status, lan, time.monotonic() - started)

        waiting = contextlib.ExitStack()
        if until is None:  # else the bar of the download stands there
            waiting.enter_context(self.console.status("Loading ..."))
        again = self.sock.dup()  # who asks while one model follows the other waits in its line
        try:
            with logs.written(self.settings.state):
                serving = serve(
                    node, self.listen, self.settings, ready, again, self.around, until, hold
                )
                return asyncio.run(serving)
        finally:
            waiting.close()

    def _ready(self, status: NodeStatus, lan: Lan, seconds: float) -> None:
        tell = self.console.print
        for engine in status.engines:
            if engine.state == "failed":
                tell(f"{engine.model} does not vote: {engine.why}.")
        headless = lan.config.mode is Mode.HEADLESS
        where = "paired machines only" if headless else f"{status.url}/v1"
        tell(f"Ready after {seconds:.1f} s: {where}")
        if not headless:
            tell(f"Try it:\n  {curl(status.url, self.listen.api_key)}")
        if lan.trouble:
            tell(f"The LAN stays shut: {lan.trouble}")
        if self.allowed:
            tell(f"Callers with the key may have tasks done in {self.allowed.folder}.")
        tell("Ctrl-C stops it.")


def report(console: Console, enlisted: Enlisted) -> None:
    """The machine, the plans with their reasons, and the servers that vote too."""
    for at, choice in enumerate(enlisted.choices):
        if at == 0:
            _machine(console, choice.profile)
        if choice.notice:
            console.print(choice.notice)
        console.print(f"Plan:    {choice.plan.spec.name}, {choice.plan.seats} seats")
        for line in choice.plan.why:
            console.print(f"         - {line}")
    for crew in enlisted.crews:
        if crew.path is None or crew.path.is_dir():  # no plan told of it
            console.print(f"Also:    {', '.join(crew.why)}")
    for notice in enlisted.notices:
        console.print(notice)


def _machine(console: Console, profile: HardwareProfile) -> None:
    console.print(
        f"Machine: {profile.cpu}, {profile.cores} cores, "
        f"{profile.memory_total / GIB:.1f} GiB RAM ({profile.memory_available / GIB:.1f} free), "
        f"{profile.os} {profile.arch}"
    )


def curl(url: str, api_key: str | None) -> str:
    """A line to paste."""
    key = f" -H 'Authorization: Bearer {api_key}'" if api_key else ""
    question = "Sam has 14 apples. Sam buys 7 more. How many apples does Sam have?"
    return (
        f"curl {url}/v1/chat/completions{key} -H 'Content-Type: application/json' "
        f'-d \'{{"messages":[{{"role":"user","content":"{question}"}}]}}\''
    )
