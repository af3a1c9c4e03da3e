"""Tasks for callers of the API: `run --server-tools FILE`. Nobody is asked; the file decides."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..chat import Responder
from ..errors import QueueFull, UsageError
from . import own, tasks, transcript
from .agent import Agent
from .base import AnyTool
from .consent import Nobody, Policy, command
from .probe import find
from .task import Budget, TaskEvent, Voting
from .toolset import toolset
from .workspace import Workspace

_FORM = 'It has lines like: folder = "/home/me/project"'


@dataclass(frozen=True, slots=True)
class ServerTools:
    """What callers may have done: changes of files in `folder` with `auto_edit`, and exactly these
    `commands`, always in a sandbox, which reaches the network only with `network`. Transcripts go
    to the folder `kept`."""

    folder: Path
    kept: Path
    auto_edit: bool = False
    commands: tuple[str, ...] = ()
    network: bool = False
    budget: Budget = field(default_factory=Budget)


def policy_in(path: Path, kept: Path) -> ServerTools:
    """The policy in a TOML file. Raises UsageError."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML ({error}).", hint=_FORM) from None
    kinds: dict[str, type] = {
        "folder": str, "auto_edit": bool, "commands": list, "network": bool,
        "steps": int, "tokens": int, "seconds": int,
    }  # fmt: skip
    for name, value in told.items():
        if name not in kinds:
            raise UsageError(f"{path}: there is no {name}.", hint=f"There are {', '.join(kinds)}.")
        if type(value) is not kinds[name]:
            raise UsageError(f"{path}: {name} must be a {kinds[name].__name__}.")
    commands = told.get("commands", [])
    if not all(isinstance(one, str) for one in commands):
        raise UsageError(f"{path}: commands must be texts.")
    if "folder" not in told:
        raise UsageError(f"{path} names no folder.", hint=_FORM)
    usual = Budget()
    numbers = [told.get(n, getattr(usual, n)) for n in ("steps", "tokens", "seconds")]
    if min(numbers) < 1 or numbers[0] > usual.steps:
        raise UsageError(f"{path}: steps are 1 to {usual.steps}, the others 1 and more.")
    folder = path.parent / Path(told["folder"]).expanduser()
    if path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{path} lies in the folder that it is about: callers could change it.",
            hint="Put it beside that folder.",
        )
    return ServerTools(
        folder,
        kept,
        told.get("auto_edit", False),
        tuple(commands),
        told.get("network", False),
        Budget(*numbers),
    )


class TaskService:
    """See capabilities.TaskRunner. One task at a time."""

    def __init__(self, responder: Responder, allowed: ServerTools) -> None:
        """Raises UsageError for a folder that cannot be worked in."""
        own.detach(Workspace(allowed.folder, backups=allowed.kept).root)
        self._responder, self._allowed = responder, allowed
        self._tools: dict[str, AnyTool] = {}
        self._context: int | None = None
        self._busy = False

    async def open(self, context: int | None) -> None:
        """Raises SandboxUnavailable: then nothing is served. `context` is the model's."""
        self._tools = toolset(sandbox=await find(), network=self._allowed.network)
        self._context = context

    async def work(self, task: str) -> AsyncIterator[Mapping[str, Any]]:
        """See TaskRunner."""
        if self._busy:
            raise QueueFull(1)
        self._busy = True
        events: asyncio.Queue[TaskEvent | None] = asyncio.Queue()
        try:
            kept = transcript.begin(self._allowed.kept)
            with tasks.held(kept):
                agent = self._agent(kept)
                await asyncio.to_thread(tasks.prune, self._allowed.kept)
                doing = asyncio.create_task(agent.work(task, tell=events.put_nowait))
                doing.add_done_callback(lambda _: events.put_nowait(None))
                try:
                    while (event := await events.get()) is not None:
                        yield _told(event) | {"task": kept.id}
                    await doing
                finally:
                    doing.cancel()
                    await asyncio.gather(doing, return_exceptions=True)
        finally:
            self._busy = False

    def _agent(self, kept: transcript.Transcript) -> Agent:
        allowed = self._allowed
        workspace = Workspace(allowed.folder, backups=kept.backups)
        kept.write("start", workspace=str(workspace.root), version=__version__, by="server")
        policy = Policy(Nobody(), allowed.auto_edit, always={command(c) for c in allowed.commands})
        budget = Budget(
            allowed.budget.steps, allowed.budget.tokens, allowed.budget.seconds, self._context
        )
        return Agent(self._responder, self._tools, workspace, policy, kept.write, budget)


def _told(event: TaskEvent) -> dict[str, Any]:
    name = {"event": type(event).__name__.lower()}
    if isinstance(event, Voting):
        return {**name, "step": event.step, **asdict(event.progress)}
    return {**name, **asdict(event)}
