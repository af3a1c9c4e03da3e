"""The flags of `local-swarm service`."""

from __future__ import annotations

from typing import Annotated

import typer

service = typer.Typer(
    help="Let the system start the node at login, and again when it fails (systemd, launchd).",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@service.command()
def install(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="What `local-swarm run` gets; options stand after --."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the file.")] = False,
) -> None:
    """Write the service's file, check it, and start the node.

    \b
    local-swarm service install
    local-swarm service install -- qwen3-4b-2507 --seats 5
    """
    from .service import install as command

    command(arguments or [], dry_run)


@service.command()
def uninstall() -> None:
    """Stop the service and remove its file."""
    from .service import uninstall as command

    command()


@service.command()
def status() -> None:
    """Tell whether the service is there, sound and running (exit code 1 where it is not)."""
    from .service import status as command

    command()
