"""The command that acts: `local-swarm agent` and its flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Key, Seats, Strategy, Url


def add(app: typer.Typer) -> None:
    """Adds the commands of this file to `app`."""
    app.command()(agent)


def agent(
    task: Annotated[
        list[str] | None,
        typer.Argument(help="What to do; left out or -, it is read from standard input."),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="The folder to work in; nothing outside is touched.")
    ] = Path(),
    auto_edit: Annotated[
        bool, typer.Option("--auto-edit", help="Change files without asking; commands still ask.")
    ] = False,
    yolo: Annotated[
        bool,
        typer.Option("--yolo", help="Change files and run commands without asking. Secrets ask."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, and show what would be done; do nothing.")
    ] = False,
    network: Annotated[
        bool, typer.Option("--network", help="Let commands use the network.")
    ] = False,
    unsafe_bash: Annotated[
        bool,
        typer.Option("--unsafe-bash", help="Where no sandbox works, run commands without one."),
    ] = False,
    secrets: Annotated[
        bool,
        typer.Option(
            "--secrets", help="Let commands read files of the folder that may hold secrets."
        ),
    ] = False,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="Ask no paired machine: nothing leaves this one.")
    ] = False,
    mcp: Annotated[
        Path | None,
        typer.Option(
            help="File of MCP servers whose tools are offered too; default: mcp.json in the data "
            "folder, where there is one.",
            show_default=False,
        ),
    ] = None,
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Put back the files that the last task here has changed."),
    ] = False,
    steps: Annotated[int, typer.Option(help="Most answers of the swarm.", min=1, max=25)] = 25,
    tokens: Annotated[int, typer.Option(help="Most tokens of all workers.", min=1)] = 200_000,
    seconds: Annotated[float, typer.Option(help="Most seconds of work.", min=1)] = 900,
    model: Annotated[
        str | None, typer.Option(help="A model id of the node.", show_default=False)
    ] = None,
    seats: Seats = None,
    strategy: Strategy = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Do a task in this folder: read, write and run commands by tool calls that the swarm votes on.

    Reading is free. Whatever changes something is shown and asked first, and needs the votes of
    more than half of all workers. Exit code 3: it had to ask, and there was no terminal.

    \b
    local-swarm agent "Read the file notes.txt"
    local-swarm agent --auto-edit 'Write "hello" to out.txt'
    local-swarm agent resume              go on with the last task here, or: resume ID
    local-swarm agent --undo              put its files back, or: --undo ID
    local-swarm agent list                the tasks that are kept; agent rm ID, or rm all
    """
    from ..chat import ChatRequest, SwarmOptions
    from ..tools.task import Budget
    from .agent import Flags
    from .agent import agent as command

    options = SwarmOptions(seats=seats, strategy=strategy, local_only=local_only)
    ask = ChatRequest("agent", (), model or "local-swarm", swarm=options)
    budget = Budget(steps, tokens, seconds)
    flags = Flags(
        folder,
        auto_edit,
        yolo,
        dry_run,
        network,
        unsafe_bash,
        secrets,
        mcp,
        as_json,
        budget,
        ask,
        url,
        api_key,
    )
    command(task, undo, flags)
