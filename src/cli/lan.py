"""The commands about other machines: pairing, peers, stepping back."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Url

Trust = Annotated[
    bool,
    typer.Option("--trust", help="That machine is yours: its votes count in full from the start."),
]
Who = Annotated[str, typer.Argument(help="A peer's name, or the start of its id.")]

_peers = typer.Typer(
    help="Show the paired machines, or change what this one knows of them.",
    invoke_without_command=True,
)


def add(app: typer.Typer) -> None:
    """Adds the commands of this file to `app`."""
    for command in (invite, join, pause, resume):
        app.command()(command)
    app.add_typer(_peers, name="peers")


def invite(trust: Trust = False, as_json: AsJson = False, url: Url = None) -> None:
    """Print the line that pairs another machine with this one, good for ten minutes.

    \b
    local-swarm invite           here, while `local-swarm run` is on
    local-swarm join LS1-...     there, also while it runs
    """
    from .peers import invite as command

    command(trust, as_json, url)


def join(
    code: Annotated[str, typer.Argument(help="What `local-swarm invite` printed.")],
    at: Annotated[
        str | None,
        typer.Option(
            help="Where the other machine is, like 192.168.1.20 or box.local:17601, if it is not "
            "found by itself.",
            show_default=False,
        ),
    ] = None,
    trust: Trust = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Pair this machine with the one that printed the code, and with all of its peers."""
    from .peers import join as command

    command(code, at, trust, as_json, url)


@_peers.callback()
def peers(context: typer.Context, as_json: AsJson = False, url: Url = None) -> None:
    """Show the paired machines, or change what this one knows of them.

    \b
    local-swarm peers
    local-swarm peers trust kitchen
    local-swarm peers remove kitchen
    """
    if context.invoked_subcommand is None:
        from .peers import peers as command

        command(as_json, url)


@_peers.command()
def remove(who: Who, url: Url = None) -> None:
    """Cut a machine off, here and at all peers, for good."""
    from .peers import change

    change("remove", {"who": who}, url, "{name} is removed; only pairing brings it back.")


@_peers.command()
def rename(
    who: Who, name: Annotated[str, typer.Argument(help="The new name.")], url: Url = None
) -> None:
    """Call a machine something else, on this one."""
    from .peers import change

    change("rename", {"who": who, "name": name}, url, "It is called {name} now.")


@_peers.command()
def trust(
    who: Who,
    no: Annotated[bool, typer.Option("--no", help="Take the trust back.")] = False,
    url: Url = None,
) -> None:
    """Let a machine's votes count in full, because it is yours."""
    from .peers import change

    told = "{name} must prove itself." if no else "{name} is trusted."
    change("trust", {"who": who, "trusted": not no}, url, told)


def pause(url: Url = None) -> None:
    """Answer no questions of peers until `local-swarm resume`."""
    from .peers import step_back

    step_back("pause", url)


def resume(url: Url = None) -> None:
    """Answer questions of peers again."""
    from .peers import step_back

    step_back("resume", url)
