"""The commands that need no node: what the machine is, what would run on it, what there is, and
what is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Context, Seats
from .services import service


def add(app: typer.Typer) -> None:
    """Adds the commands of this file to `app`."""
    for command in (hardware, plan, pull, doctor):
        app.command()(command)
    app.add_typer(models, name="models")
    app.add_typer(service, name="service")


def hardware(
    as_json: AsJson = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show what each tool and file said, for a bug report.")
    ] = False,
) -> None:
    """Show what this machine is, and how much of it models may take."""
    from .hardware import hardware as command

    command(as_json, raw)


def plan(
    memory: Annotated[
        str | None, typer.Option(help="What the swarm may use, like 16GB.", show_default=False)
    ] = None,
    ram: Annotated[
        str | None, typer.Option(help="Plan for another machine: its RAM.", show_default=False)
    ] = None,
    vram: Annotated[
        str | None, typer.Option(help="And the memory of its graphics card.", show_default=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Plan this model (a listed name or a GGUF file).", show_default=False),
    ] = None,
    seats: Seats = None,
    context: Context = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Each worker loads the model by itself.")
    ] = False,
    min_speed: Annotated[
        float | None,
        typer.Option(
            help="Fewest tokens a second. Default: 5; none with --memory or --isolated.",
            show_default=False,
        ),
    ] = None,
    kv: Annotated[str, typer.Option(help="How the KV cache is stored: f16 or q8_0.")] = "f16",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show exact bytes, and the score of the plan.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show which model, quantization and number of seats would run, and why.

    \b
    local-swarm plan                              this machine
    local-swarm plan --ram 16GB --vram 24GB       another one
    local-swarm plan --memory 8GB --explain       a budget
    local-swarm plan --model qwen2.5-7b --seats 3
    """
    from .plan import Machine, plan_command

    machine = Machine(memory, ram, vram)
    plan_command(machine, model, seats, context, isolated, min_speed, kv, explain, as_json)


def pull(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A listed model (NAME or NAME:QUANT), hf:owner/repo:quant, a URL or a file. "
            "Left out, the best one for this machine.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a model and check it, without starting anything.

    What was cut off, or killed, goes on where it stopped when the same command is given again.

    \b
    local-swarm pull qwen3-4b-2507
    local-swarm pull hf:owner/repo:Q4_K_M
    local-swarm pull https://host/model.gguf#sha256=...
    """
    from .pull import pull_command

    pull_command(model, as_json)


models = typer.Typer(
    help="List the models that can be named, and how this machine would run them; remove and "
    "check those that were downloaded.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Names = Annotated[
    list[str] | None,
    typer.Argument(help="Listed names, NAME:QUANT, or names of files.", show_default=False),
]


@models.callback()
def listing(
    context: typer.Context,
    fits: Annotated[bool, typer.Option("--fits", help="Only what this machine can carry.")] = False,
    as_json: AsJson = False,
) -> None:
    from .models import models as command

    if context.invoked_subcommand is None:
        command(fits, as_json)


@models.command()
def rm(names: Annotated[list[str], typer.Argument(help="As `models verify` lists them.")]) -> None:
    """Delete downloaded models from the disk."""
    from .files import rm as command

    command(names)


@models.command()
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Read all downloaded models, or those named, and compare them with their checksums.

    Exit code 1 when one is damaged.
    """
    from .files import verify as command

    command(names, as_json)


def doctor(
    lan: Annotated[bool, typer.Option("--lan", help="Look at the other machines too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try every stage from the processor to a real answer, and say what to do where one fails.

    Exit code 0 when nothing failed, 1 else. Nothing is downloaded, and no setting is changed.
    """
    from .doctor import doctor as command

    command(lan, as_json)
