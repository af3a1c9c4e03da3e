"""`local-swarm run`: prints hardware, plan and progress, then serves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from .. import logs
from .. import settings as configuration
from ..backends.care import Care
from ..backends.tuning import Tuning
from ..choose import Wish
from ..enlist import Enlisted, Named, enlist
from ..errors import UsageError
from ..hardware.budget import GIB
from ..hardware.profile import HardwareProfile
from ..network.lan import Lan, LanConfig, place
from ..network.mode import Mode
from ..node import Node, Vote
from ..serve import Listen, bind, serve
from ..status import NodeStatus
from ..swarm.strategies import check
from ..telemetry import traced
from ..tools.service import ServerTools, policy_in
from ..wire.address import is_loopback
from .progress import downloads


@dataclass(frozen=True, slots=True)
class LanFlags:
    """See LanConfig; without a port the settings tell it."""

    mode: Mode
    host: str
    port: int | None
    discover: bool
    listed: Sequence[str] = ()
    scope: str = "lan"

    def config(self, settings: configuration.Settings) -> LanConfig:
        """With what the flags leave open."""
        port = self.port if self.port is not None else settings.peer_port
        port = port if port is not None else configuration.DEFAULT_PEER_PORT
        listed = tuple(place(at) for at in self.listed)
        if self.scope not in ("local", "lan"):
            raise UsageError(f"There is no scope {self.scope!r}.", hint="Say local or lan.")
        folder, scope = settings.lan, self.scope
        return LanConfig(folder, self.mode, self.host, port, self.discover, listed, scope)


def run(
    named: Sequence[Named],
    adopting: bool,
    wish: Wish,
    engine: str | None,
    tuning: Tuning,
    host: str,
    port: int | None,
    api_key: str | None,
    vote: Vote,
    lan: LanFlags,
    idle_unload: float | None = None,
    server_tools: Path | None = None,
    telemetry: str | None = None,
) -> None:
    """See app.run."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    settings = configuration.read()
    port = port if port is not None else settings.port or configuration.DEFAULT_PORT
    listen = Listen(host, port, api_key or settings.api_key)
    check(vote.strategy)
    allowed = allowed_by(server_tools, listen, settings) if server_tools else None
    network = Lan(lan.config(settings))
    care = Care(idle_s=idle_unload)
    sock = bind(listen)  # before anything is downloaded or loaded
    extras = contextlib.ExitStack()
    try:
        around = extras.enter_context(traced(telemetry)) if telemetry else lambda node: node
        with downloads(console) as on_download:
            enlisted = enlist(
                settings, named, wish, on_download, console.print, care=care,
                adopting=adopting, own_port=port, engine=engine, tuning=tuning,
            )  # fmt: skip
        node = Node(
            None,
            None,
            vote,
            settings.models,
            others=enlisted.crews,
            lan=network,
            care=care,
            server_tools=allowed,
        )
        report(console, enlisted)
        started = time.monotonic()

        def ready(status: NodeStatus) -> None:
            waiting.stop()
            for engine in status.engines:
                if engine.state == "failed":
                    console.print(f"{engine.model} does not vote: {engine.why}.")
            headless = lan.mode is Mode.HEADLESS
            serves = "paired machines only" if headless else f"{status.url}/v1"
            console.print(f"Ready after {time.monotonic() - started:.1f} s: {serves}")
            if not headless:
                console.print(f"Try it:\n  {curl(status.url, listen.api_key)}")
            if network.trouble:
                console.print(f"The LAN stays shut: {network.trouble}")
            if allowed:
                console.print(f"Callers with the key may have tasks done in {allowed.folder}.")
            console.print("Ctrl-C stops it.")

        waiting = console.status("Loading ...")
        waiting.start()
        try:
            with logs.written(settings.state):
                asyncio.run(serve(node, listen, settings, ready, sock, around))
        finally:
            waiting.stop()
    finally:
        extras.close()
        sock.close()
    console.print("Stopped.")


def allowed_by(path: Path, listen: Listen, settings: configuration.Settings) -> ServerTools:
    """What callers may have done. Raises UsageError where that could be anybody."""
    if not is_loopback(listen.host):
        raise UsageError("--server-tools needs loopback.", hint="Leave --host out.")
    if not listen.api_key:
        raise UsageError("--server-tools needs an API key.", hint="Give one with --api-key.")
    return policy_in(path, settings.state / "agent")


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
