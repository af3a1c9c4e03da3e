"""The commands that measure votes on the user's own model and machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Key, Model, Url

bench = typer.Typer(
    help="Measure on your own model and machine.", no_args_is_help=True, rich_markup_mode=None
)


def add(app: typer.Typer) -> None:
    """Adds the commands of this file to `app`."""
    app.add_typer(bench, name="bench")
    app.command()(calibrate)


@bench.command("vote")
def bench_vote(
    model: Model = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            help='JSON lines {"question": ..., "answer": ..., "family": ...}. Left out, the '
            "bundled probe is asked.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(help="Questions of each family of the bundled probe.", min=1)
    ] = 10,
    seats: Annotated[
        list[int] | None,
        typer.Option(
            help="Number of votes to be measured, may be repeated. Default: 3, 5, 9, 16.",
            show_default=False,
            min=2,
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Of the samples. Default: as the model is served.", show_default=False),
    ] = None,
    alternative: Annotated[
        str | None,
        typer.Option(
            help="Address of a node with a larger model, which is asked once a question.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Write the curves as PNG; needs the extra `plot`.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Measure what a vote gains over one answer, and what it costs.

    \b
    local-swarm bench vote demo
    local-swarm bench vote --questions mine.jsonl --seats 5 --seats 9 --plot vote.png
    local-swarm bench vote --alternative http://192.168.1.5:17600
    """
    from .bench import Wanted
    from .bench import bench_vote as command

    wanted = Wanted(questions, count, tuple(seats or (3, 5, 9, 16)), temperature, alternative, plot)
    command(model, wanted, as_json, url, api_key)


def calibrate(
    model: Model = None, as_json: AsJson = False, url: Url = None, api_key: Key = None
) -> None:
    """Measure how often the model is right, by kind of answer; votes of unlike models weigh by it.

    360 questions are asked, greedily. Ctrl-C stops; the same command goes on from there.
    """
    from .calibrate import calibrate as command

    command(model, as_json, url, api_key)
