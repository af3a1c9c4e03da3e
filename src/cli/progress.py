"""The bar of a download: bytes, rate and time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ..obtain import OnDownload
from .units import shown


@contextmanager
def downloads(console: Console, doing: str = "Downloading") -> Iterator[OnDownload]:
    """A progress bar that appears with the first byte."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    tasks: dict[str, TaskID] = {}

    def show(file: str, done: int, total: int | None) -> None:
        if file not in tasks:
            size = "size unknown" if total is None else shown(total)
            console.print(f"{doing} {file} ({size})", markup=False)
            bar.start()
            # What was there already is no part of the rate.
            tasks[file] = bar.add_task(file.rpartition("/")[2], total=total, completed=done)
        bar.update(tasks[file], completed=done)

    try:
        yield show
    finally:
        if tasks:
            bar.stop()
