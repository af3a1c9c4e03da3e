"""`local-swarm agent`: does a task in a folder, with tools, votes and consent."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from .. import __version__
from .. import settings as configuration
from ..chat import ChatRequest
from ..errors import SandboxUnavailable, SwarmError, UsageError
from ..settings import Settings
from ..swarm.strategies import check
from ..tools import own, tasks, transcript
from ..tools.base import AnyTool
from ..tools.consent import Nobody, Policy
from ..tools.task import Acted, Budget, Ended, Ending, Shortened, TaskEvent, Voting
from ..tools.transcript import Transcript
from ..tools.visible import visible
from ..tools.workspace import Workspace
from .ask import text_of
from .consent import Terminal, forget_typed, there_is_somebody
from .session import Session
from .tasks import listed, removed
from .units import shown

if TYPE_CHECKING:
    from ..tools.mcp import Server

REFUSED = 3  # the exit code where something had to be asked, and there was nobody to ask
_EXIT = {Ending.DONE: 0, Ending.REFUSED: REFUSED, Ending.UNDECIDED: REFUSED}


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says; see app.agent."""

    folder: Path
    auto_edit: bool
    yolo: bool
    dry_run: bool
    network: bool
    unsafe_bash: bool
    secrets: bool
    mcp: Path | None
    as_json: bool
    budget: Budget
    ask: ChatRequest
    url: str | None
    api_key: str | None


def agent(words: list[str] | None, undo: bool, flags: Flags) -> None:
    """See app.agent. Exit code 3 where something had to be asked, and there was nobody to ask."""
    check(flags.ask.swarm.strategy or "auto")
    settings = configuration.read()
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    words = words or []
    if words == ["list"]:
        listed(_tasks(settings), flags.as_json)
        return
    if words[:1] == ["rm"]:
        removed(_tasks(settings), words[1:], flags.as_json)
        return
    if undo:
        _undo(settings, flags, words[0] if words else None)
        return
    somebody = there_is_somebody()
    allowed = flags.auto_edit or flags.yolo or flags.dry_run
    if not (somebody or allowed or (words and words != ["-"])):
        # The task comes through a pipe: whatever it is, nobody could be asked about it.
        notes.print("Nobody can be asked: there is no terminal. Nothing was done.", style="red")
        notes.print("Give --auto-edit, --yolo or --dry-run, or the task as an argument.")
        sys.exit(REFUSED)
    resumed = None
    if words[:1] == ["resume"] and (len(words) == 1 or transcript.is_id(words[1])):
        name = words[1] if len(words) > 1 else None
        here = flags.folder.resolve()
        resumed = transcript.find(_tasks(settings), name, here)
        if resumed.workspace not in (None, str(here)):
            raise UsageError(
                f"That task was begun in {resumed.workspace}.",
                hint="Go there, or name it with --folder.",
            )
        task = " ".join(words[2:]) or "Go on."
    else:
        task = text_of(words, 'Try: local-swarm agent "Read the file notes.txt"')
    show = _Show(notes, previews=flags.dry_run or not somebody)
    ask = Terminal(notes, show.hush) if somebody else Nobody()
    policy = Policy(ask, flags.auto_edit, flags.yolo, flags.dry_run)
    kept = resumed or transcript.begin(_tasks(settings))
    with tasks.held(kept), asyncio.Runner() as runner:
        if not resumed:
            _prune(settings, notes)
        try:
            ended = runner.run(_work(settings, flags, policy, kept, task, show, notes))
        except KeyboardInterrupt:
            notes.print(f"Stopped. Go on with: local-swarm agent resume {kept.id}")
            raise
        except SwarmError as error:
            if not isinstance(error, UsageError):
                notes.print(f"When that is mended: local-swarm agent resume {kept.id}")
            raise
        finally:
            show.close()
    _report(ended, kept, flags, show, notes)
    sys.exit(_EXIT.get(ended.ending, 1))


def _prune(settings: Settings, notes: Console) -> None:
    gone = tasks.prune(_tasks(settings))
    if gone:
        notes.print(
            f"({len(gone)} old tasks removed: {tasks.MOST} are kept, for {tasks.DAYS} days, "
            f"{shown(tasks.BYTES)} of them; the last of each folder stays)",
            style="dim",
        )


def _tasks(settings: Settings) -> Path:
    return settings.state / "agent"


async def _work(
    settings: Settings,
    flags: Flags,
    policy: Policy,
    kept: Transcript,
    task: str,
    show: _Show,
    notes: Console,
) -> Ended:
    """Builds what the task needs, does it, and takes it down again."""
    from ..tools.agent import Agent

    workspace = Workspace(flags.folder, backups=kept.backups)
    own.detach(workspace.root)
    entries = kept.read() if kept.path.exists() else []
    session = Session(
        settings, flags.url, flags.api_key or settings.api_key, flags.ask.swarm.seats, notes
    )
    async with AsyncExitStack() as stack:
        tools = await _tools(flags, notes)
        servers = _servers(settings, flags)
        if servers:
            from ..tools.mcp import connected

            tools |= await stack.enter_async_context(connected(servers))
        kept.write("start", workspace=str(workspace.root), version=__version__, tools=list(tools))
        stack.push_async_callback(session.close)
        responder = await session.open()
        budget = replace(flags.budget, context=session.context)
        options = replace(
            flags.ask.swarm,
            # Said in so many words, or a busy node would ask fewer.
            seats=session.usual,
            local_only=flags.ask.swarm.local_only or transcript.secrets_in(entries),
        )
        ask = replace(flags.ask, swarm=options)
        made = Agent(responder, tools, workspace, policy, kept.write, budget, ask)
        return await made.work(task, transcript.messages(entries), show)


def _servers(settings: Settings, flags: Flags) -> list[Server]:
    usual = settings.data / "mcp.json"
    if flags.mcp is None and not usual.is_file():
        return []
    from ..tools.mcp import servers_in

    return servers_in(flags.mcp or usual)


async def _tools(flags: Flags, notes: Console) -> dict[str, AnyTool]:
    from ..tools.probe import find
    from ..tools.toolset import toolset

    sandbox = None
    try:
        sandbox = await find()
    except SandboxUnavailable as error:
        if not flags.unsafe_bash:
            notes.print(f"Commands are off: {error.message} (--unsafe-bash allows them bare.)")
    return toolset(
        sandbox=sandbox, network=flags.network, unsafe=flags.unsafe_bash, secrets=flags.secrets
    )


def _undo(settings: Settings, flags: Flags, name: str | None) -> None:
    kept = transcript.find(_tasks(settings), name, flags.folder.resolve())
    with tasks.held(kept):
        lines = Workspace(flags.folder, backups=kept.backups).undo()
    if flags.as_json:
        print(json.dumps({"task": kept.id, "undone": lines}))
    else:
        nothing = f"There is nothing to undo in task {kept.id}; of others: local-swarm agent list"
        print(*(visible(line) for line in lines or [nothing]), sep="\n")


class _Show:
    """What happens, on the terminal, as it happens."""

    def __init__(self, out: Console, *, previews: bool) -> None:
        """With `previews`, what was not done is shown whole: nobody was asked, and saw it."""
        self._out, self._previews, self._line = out, previews, out.status("Thinking ...")
        self.acts: list[Acted] = []

    def __call__(self, event: TaskEvent) -> None:
        if isinstance(event, Voting):
            seen = event.progress
            self._line.update(f"Step {event.step}: {seen.cast} of {seen.seats} answers ...")
            self._line.start()
            return
        self._line.stop()
        if isinstance(event, Shortened):
            self._out.print(f"({event.count} old results shortened to fit)", style="dim")
        elif isinstance(event, Acted):
            self.acts.append(event)
            mark = "-" if event.by is None else "+" if event.ok else "!"
            told = ", ".join(f"{name}={value!r}" for name, value in event.arguments.items())
            votes = f"{event.votes}/{event.workers}"
            head = visible(event.result).strip().partition("\n")[0]
            self._out.print(f"{mark} {event.name}({_cut(visible(told), 100)}) [{votes}]")
            self._out.print(f"    {_cut(head, 100)}", style="dim")
            if event.preview and self._previews:
                self._out.print(visible(event.preview))

    def hush(self) -> None:
        """Before a person is asked."""
        self.close()
        forget_typed()

    def close(self) -> None:
        """Takes the moving line away."""
        self._line.stop()


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _report(ended: Ended, kept: Transcript, flags: Flags, show: _Show, notes: Console) -> None:
    if flags.as_json:
        told: dict[str, Any] = asdict(ended)
        told |= {"task": kept.id, "transcript": str(kept.path)}
        told["actions"] = [asdict(act) for act in show.acts]
        print(json.dumps(told))  # in ASCII: no terminal obeys that
        return
    if ended.text:
        print(visible(ended.text).rstrip("\n"))
    if ended.ending is not Ending.DONE:
        notes.print(f"Not done ({ended.ending.value}): {visible(ended.why)}.", style="red")
        notes.print(f"Go on with: local-swarm agent resume {kept.id}")
