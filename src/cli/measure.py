"""The commands that measure votes on the user's own model and machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Key, Model, Url
from .speed import (
    CpuMoe,
    DraftModel,
    Engine,
    FlashAttn,
    GpuLayers,
    Kv,
    Lora,
    Ngram,
    Numa,
    Threads,
)

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


@bench.command("engine")
def bench_engine(
    model: Model = None,
    seats: Annotated[
        list[int] | None,
        typer.Option(
            help="Numbers of seats, may be repeated. Default: 1, 2, 4, 8.",
            show_default=False,
            min=1,
            max=64,
        ),
    ] = None,
    prompt: Annotated[int, typer.Option(help="Tokens of the prompt, about.", min=1)] = 512,
    tokens: Annotated[int, typer.Option(help="Tokens of an answer.", min=2)] = 64,
    engine: Engine = None,
    gpu_layers: GpuLayers = None,
    flash_attn: FlashAttn = "auto",
    kv: Kv = "f16",
    draft_model: DraftModel = None,
    ngram: Ngram = False,
    lora: Lora = None,
    threads: Threads = None,
    numa: Numa = None,
    cpu_moe: CpuMoe = False,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine reads prompts and writes answers, with 1, 2, 4 and 8 seats.

    \b
    local-swarm bench engine                       the best model for this machine
    local-swarm bench engine demo --seats 1 --seats 16
    local-swarm bench engine ./model.gguf --engine llama-server --flash-attn on

    What is measured with the usual options is kept: the next plan goes by it.
    """
    from ..backends.tuning import Tuning
    from ..backends.tuning import lora as scaled
    from .bench_engine import bench_engine as command

    tuning = Tuning(
        gpu_layers, flash_attn, kv, draft_model, ngram, tuple(map(scaled, lora or [])), threads,
        numa, cpu_moe,
    )  # fmt: skip
    counts = sorted(set(seats or (1, 2, 4, 8)))
    command(model, counts, prompt, tokens, engine, tuning, as_json)


def calibrate(
    model: Model = None, as_json: AsJson = False, url: Url = None, api_key: Key = None
) -> None:
    """Measure how often the model is right, by kind of answer; votes of unlike models weigh by it.

    360 questions are asked, greedily. Ctrl-C stops; the same command goes on from there.
    """
    from .calibrate import calibrate as command

    command(model, as_json, url, api_key)
