"""`local-swarm run`: prints hardware, plan and progress, then serves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from .. import logs
from .. import settings as configuration
from ..bench.calibration import accuracies_of
from ..choose import Choice, OnDownload, Wish, choose
from ..hardware.budget import GIB
from ..node import Node, Vote
from ..serve import Listen, bind, serve
from ..status import NodeStatus
from ..swarm.strategies import check


def run(
    model: str | None,
    demo: bool,
    seats: int | None,
    context: int | None,
    host: str,
    port: int | None,
    api_key: str | None,
    vote: Vote,
) -> None:
    """See app.run."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    settings = configuration.read()
    port = port if port is not None else settings.port or configuration.DEFAULT_PORT
    listen = Listen(host, port, api_key or settings.api_key)
    check(vote.strategy)
    sock = bind(listen)  # before anything is downloaded or loaded
    try:
        wish = Wish("demo" if demo else model, seats, context)
        with downloads(console) as on_download:
            choice = choose(settings, wish, on_download)
        node = Node(
            choice.plan,
            choice.path,
            vote,
            settings.models,
            accuracies_of(settings, choice.path),
        )
        report(console, choice)
        started = time.monotonic()

        def ready(status: NodeStatus) -> None:
            waiting.stop()
            console.print(f"Ready after {time.monotonic() - started:.1f} s: {status.url}/v1")
            console.print(f"Try it:\n  {curl(status.url, listen.api_key)}")
            console.print("Ctrl-C stops it.")

        waiting = console.status("Loading the model ...")
        waiting.start()
        try:
            with logs.written(settings.state):
                asyncio.run(serve(node, listen, settings, ready, sock))
        finally:
            waiting.stop()
    finally:
        sock.close()
    console.print("Stopped.")


def report(console: Console, choice: Choice) -> None:
    """The machine and the plan with its reasons."""
    profile = choice.profile
    console.print(
        f"Machine: {profile.cpu}, {profile.cores} cores, "
        f"{profile.memory_total / GIB:.1f} GiB RAM ({profile.memory_available / GIB:.1f} free), "
        f"{profile.os} {profile.arch}"
    )
    if choice.notice:
        console.print(choice.notice)
    console.print(f"Plan:    {choice.plan.spec.name}, {choice.plan.seats} seats")
    for line in choice.plan.why:
        console.print(f"         - {line}")


def curl(url: str, api_key: str | None) -> str:
    """A line to paste."""
    key = f" -H 'Authorization: Bearer {api_key}'" if api_key else ""
    question = "Sam has 14 apples. Sam buys 7 more. How many apples does Sam have?"
    return (
        f"curl {url}/v1/chat/completions{key} -H 'Content-Type: application/json' "
        f'-d \'{{"messages":[{{"role":"user","content":"{question}"}}]}}\''
    )


@contextmanager
def downloads(console: Console) -> Iterator[OnDownload]:
    """A progress bar that appears with the first byte."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    tasks: dict[str, int] = {}

    def show(file: str, done: int, total: int) -> None:
        if file not in tasks:
            console.print(f"Downloading {file} ({total / GIB:.2f} GiB)")
            bar.start()
            tasks[file] = bar.add_task(file.rpartition("/")[2], total=total)
        bar.update(tasks[file], completed=done)  # type: ignore[arg-type]

    try:
        yield show
    finally:
        if tasks:
            bar.stop()
