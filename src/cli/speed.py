"""The flags of `run` about engines and their speed."""

from __future__ import annotations

from typing import Annotated

import typer

Isolated = Annotated[
    bool,
    typer.Option(
        "--isolated",
        help="Start one process a worker, each with the whole model. Slower and larger than seats "
        "of one model; a crash costs one ballot only.",
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        help="What runs the models: llama.cpp, llama-server, llama-cpp-python or mlx. "
        "Default: the first that is installed and runs here.",
        show_default=False,
    ),
]
_SPEED = "Speed of the engine"
GpuLayers = Annotated[
    int | None,
    typer.Option(
        help="Layers that lie on the graphics card, 0 for none.",
        show_default=False,
        rich_help_panel=_SPEED,
    ),
]
FlashAttn = Annotated[
    str, typer.Option(help="Flash attention: auto, on or off.", rich_help_panel=_SPEED)
]
Kv = Annotated[
    str,
    typer.Option(help="How the KV cache is stored: f16 or q8_0.", rich_help_panel=_SPEED),
]
DraftModel = Annotated[
    str | None,
    typer.Option(
        help="A small GGUF file whose guesses the model checks.",
        show_default=False,
        rich_help_panel=_SPEED,
    ),
]
Ngram = Annotated[
    bool,
    typer.Option(
        "--ngram", help="Guess from the text so far, for code and quotes.", rich_help_panel=_SPEED
    ),
]
Lora = Annotated[
    list[str] | None,
    typer.Option(
        help="A LoRA adapter (GGUF), FILE or FILE:SCALE. May be given several times.",
        show_default=False,
        rich_help_panel=_SPEED,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        help="Threads of each engine. Default: its part of the cores.",
        show_default=False,
        rich_help_panel=_SPEED,
    ),
]
Numa = Annotated[
    str | None,
    typer.Option(
        help="On machines with several sockets: distribute, isolate or numactl.",
        show_default=False,
        rich_help_panel=_SPEED,
    ),
]
CpuMoe = Annotated[
    bool,
    typer.Option("--cpu-moe", help="Keep the experts of a mixture in RAM.", rich_help_panel=_SPEED),
]
Mmproj = Annotated[
    str | None,
    typer.Option(
        help="The GGUF file (mmproj) with which a model that was trained for it sees images.",
        metavar="FILE",
        show_default=False,
    ),
]
