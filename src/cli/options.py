"""The flags that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..network.mode import Mode


def seconds(text: str) -> float:
    """A span of time like 90, 90s, 10m or 2h. Raises typer.BadParameter."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdecimal() or not int(number):
        raise typer.BadParameter(f"{text} is no span of time; try 90s, 10m or 2h.")
    return float(int(number) * units[unit])


Seats = Annotated[
    int | None, typer.Option(help="How many workers answer and vote (1 to 64; 5 is a good number).")
]
Strategy = Annotated[
    str | None,
    typer.Option(help="How the winner is chosen: auto, majority, similarity, quality or fastest."),
]
Context = Annotated[int | None, typer.Option(help="Longest prompt and answer together, in tokens.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the bundled demo model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Url = Annotated[str | None, typer.Option(help="Address of the node, like http://127.0.0.1:17600.")]
Key = Annotated[
    str | None,
    typer.Option(help="The node's API key; LOCAL_SWARM_API_KEY is read too.", show_default=False),
]
IdleUnload = Annotated[
    float | None,
    typer.Option(
        help="Take the model out of the memory after so long without a request (90, 90s, 10m, 2h); "
        "the next request loads it again.",
        metavar="TIME",
        parser=seconds,
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Argument(
        help="Measure this model (a listed name, a GGUF file, hf:owner/repo:quant) with a node "
        "started for it. Left out: the running node, else the best model for this machine.",
        show_default=False,
    ),
]
Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="Let this model vote too; NAME:2 gives it two seats. May be given several times.",
        show_default=False,
    ),
]
Endpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        help="Let an OpenAI-compatible server (Ollama, vLLM, LM Studio, llama-server, ...) vote "
        "too: URL, URL#MODEL or URL#MODEL:SEATS. May be given several times.",
        show_default=False,
    ),
]
EndpointKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint-key",
        help="The API key of each --endpoint, in their order, - for none; of the first one "
        "LOCAL_SWARM_ENDPOINT_KEY is read too.",
        show_default=False,
    ),
]
Adopt = Annotated[
    bool,
    typer.Option(
        "--adopt", help="Let the servers that run on this machine already vote (Ollama, vLLM, ...)."
    ),
]
LanMode = Annotated[
    Mode,
    typer.Option(
        "--mode",
        help="standalone opens nothing to the LAN; a participant asks its peers and answers them, "
        "a provider only answers; headless is a provider without page and API.",
    ),
]
PeerPort = Annotated[
    int | None,
    typer.Option(
        help="Port for paired machines, opened with the first of them. "
        "Default: LOCAL_SWARM_PEER_PORT or 17601.",
        show_default=False,
        min=0,
        max=65535,
    ),
]
PeerHost = Annotated[
    str, typer.Option(help="Address of that port; left out, all interfaces.", show_default=False)
]
Discovery = Annotated[
    bool, typer.Option(help="Find paired machines in the network by multicast DNS.")
]
PeersAt = Annotated[
    list[str] | None,
    typer.Option(
        "--peer",
        help="Where a paired machine is, like 10.8.0.3:17601, if it is not found by itself. May be "
        "given several times.",
        show_default=False,
    ),
]
Scope = Annotated[
    str,
    typer.Option(
        help="Where requests that do not say so themselves are voted on: local (this machine) or "
        "lan (its peers too)."
    ),
]
ServerTools = Annotated[
    Path | None,
    typer.Option(
        help="Let callers with the API key have tasks done on this machine, by the policy in this "
        "TOML file (loopback only; see docs/agent.md).",
        show_default=False,
    ),
]
Telemetry = Annotated[
    str | None,
    typer.Option(
        help="Send traces (a span a chat, no word of it) to this OpenTelemetry collector, like "
        "http://127.0.0.1:4318. Needs the extra telemetry.",
        metavar="URL",
        show_default=False,
    ),
]
