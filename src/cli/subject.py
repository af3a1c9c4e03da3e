"""The model that a measurement is about: the running node's, or one served for it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..bench.calibration import sha_of
from ..bench.collect import OnProgress
from ..bench.question import digest
from ..chat import Responder
from ..errors import NodeUnreachable
from ..settings import Settings
from .find import address, fetch_status


@dataclass(frozen=True, slots=True)
class Subject:
    """Who answers. `file` is its model's file, None where that lies on another machine; `name`
    tells its answers from those of other models."""

    responder: Responder
    model: str
    name: str
    file: Path | None
    seats: int


@asynccontextmanager
async def subject(
    settings: Settings, model: str | None, url: str | None, api_key: str | None, notes: Console
) -> AsyncIterator[Subject]:
    """Without a `model` (and with a `url`) the running node. Raises SwarmError."""
    if model is None or url:
        where = address(settings, url)
        status = fetch_status(where, api_key or settings.api_key)
        if status is not None:
            from ..wire.client import RemoteResponder

            yield _running(
                settings, status, where, RemoteResponder(where, api_key or settings.api_key)
            )
            return
        if url:
            raise NodeUnreachable(f"No node answers at {where}.", hint="Check --url.")
    from ..choose import Wish, choose
    from ..enlist import crew_of
    from ..node import Node
    from .progress import downloads

    notes.print("A node is started for this measurement.", style="dim")
    with downloads(notes) as on_download:
        choice = choose(settings, Wish(model, here=True), on_download)
    if choice.notice:
        notes.print(choice.notice, style="dim")
    node = Node(None, None, others=[crew_of(settings, choice)])
    try:
        await node.start()
        name = sha_of(settings, choice.path)
        yield Subject(node, choice.plan.spec.id, name, choice.path, choice.plan.seats)
    finally:
        await node.close()


def _running(
    settings: Settings, status: dict[str, Any], where: str, responder: Responder
) -> Subject:
    engine: dict[str, Any] = next(iter(status["engines"]), {})
    model, file = str(engine.get("model") or "model"), engine.get("file")
    path = Path(file) if isinstance(file, str) and Path(file).is_file() else None
    name = sha_of(settings, path) if path else digest([where, model])
    return Subject(responder, model, name, path, int(status.get("seats") or 1))


@contextmanager
def progress(notes: Console, what: str) -> Iterator[OnProgress]:
    """A bar on standard error; nothing where that is no terminal."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
    )
    with bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)
