"""The commands and their flags. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from ..network.mode import Mode
from . import acting, lan, machine, measure
from .options import (
    Adopt,
    AsJson,
    Beside,
    Context,
    Demo,
    Discovery,
    EndpointKeys,
    Endpoints,
    IdleUnload,
    Key,
    LanMode,
    PeerHost,
    PeerPort,
    PeersAt,
    Scope,
    Seats,
    ServerTools,
    Strategy,
    Telemetry,
    Url,
)
from .speed import (
    CpuMoe,
    DraftModel,
    Engine,
    FlashAttn,
    GpuLayers,
    Isolated,
    Kv,
    Lora,
    Mmproj,
    Ngram,
    Numa,
    Threads,
)

app = typer.Typer(
    name="local-swarm",
    help="Your machines answer together: several workers of one model answer the same question, "
    "vote, and the winner is served through an OpenAI-compatible API.\n\n"
    'Start with `local-swarm run`, then ask: `local-swarm ask "What is 17 + 25?"`',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def run(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A listed model, a path to a GGUF file, or hf:owner/repo:quant. "
            "Left out, the best one for this machine is chosen.",
            show_default=False,
        ),
    ] = None,
    demo: Demo = False,
    beside: Beside = None,
    endpoints: Endpoints = None,
    endpoint_keys: EndpointKeys = None,
    adopt: Adopt = False,
    isolated: Isolated = False,
    engine: Engine = None,
    gpu_layers: GpuLayers = None,
    flash_attn: FlashAttn = "auto",
    kv: Kv = "f16",
    draft_model: DraftModel = None,
    ngram: Ngram = False,
    lora: Lora = None,
    mmproj: Mmproj = None,
    threads: Threads = None,
    numa: Numa = None,
    cpu_moe: CpuMoe = False,
    seats: Seats = None,
    strategy: Strategy = None,
    context: Context = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but loopback needs --api-key.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on; 0 takes any free one. Default: LOCAL_SWARM_PORT or 17600.",
            show_default=False,
            min=0,
            max=65535,
        ),
    ] = None,
    api_key: Key = None,
    waves: Annotated[
        bool,
        typer.Option(
            "--waves",
            help="Ask half of the workers and one first, the rest only where that decides nothing: "
            "fewer tokens, later answers.",
        ),
    ] = False,
    escalate: Annotated[
        bool,
        typer.Option(help="Ask again where the workers disagree (at most one more round)."),
    ] = True,
    verify_code: Annotated[
        bool,
        typer.Option(
            "--verify-code",
            help="Run the programs in answers, in a sandbox without network, and let those that "
            "do the same vote together.",
        ),
    ] = False,
    mode: LanMode = Mode.PARTICIPANT,
    peer_port: PeerPort = None,
    peer_host: PeerHost = "",
    discovery: Discovery = True,
    peer: PeersAt = None,
    idle_unload: IdleUnload = None,
    server_tools: ServerTools = None,
    scope: Scope = "lan",
    telemetry: Telemetry = None,
) -> None:
    """Choose a model for this machine, start the workers and serve the API.

    \b
    local-swarm run                        the best model for this machine
    local-swarm run --demo                 the bundled tiny model, no download
    local-swarm run ./model.gguf --seats 7
    local-swarm run hf:owner/repo:Q4_K_M --port 0
    local-swarm run --demo --model demo-mini:2   two models, one vote
    local-swarm run --endpoint http://127.0.0.1:11434#llama3.2
    local-swarm run --adopt                what runs on this machine already
    """
    from ..backends.tuning import Tuning
    from ..backends.tuning import lora as scaled
    from ..choose import Wish
    from ..node import Vote
    from ..settings import read
    from .members import members
    from .run import LanFlags
    from .run import run as command

    vote = Vote(strategy or "auto", waves, escalate, verify_code)
    keys = endpoint_keys or ([key] if endpoints and (key := read().endpoint_key) else [])
    named = members(model, demo, beside or [], endpoints or [], seats, keys)
    tuning = Tuning(
        gpu_layers, flash_attn, kv, draft_model, ngram, tuple(map(scaled, lora or [])), threads,
        numa, cpu_moe, mmproj,
    )  # fmt: skip
    wish = Wish(context=context, isolated=isolated, kv=kv)
    flags = LanFlags(mode, peer_host, peer_port, discovery, tuple(peer or ()), scope)
    command(
        named,
        adopt,
        wish,
        engine,
        tuning,
        host,
        port,
        api_key,
        vote,
        flags,
        idle_unload,
        server_tools,
        telemetry,
    )


@app.command()
def ask(
    question: Annotated[
        list[str] | None,
        typer.Argument(help="The question; left out or -, it is read from standard input."),
    ] = None,
    seats: Seats = None,
    strategy: Strategy = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model id of the node, e.g. local-swarm-fast.", show_default=False),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what was voted on, and how the vote went.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Ask one question: the running node answers, or one is started for it.

    \b
    local-swarm ask "Sam has 14 apples. Sam buys 7 more. How many apples does Sam have?"
    local-swarm ask --explain --seats 9 "What is 17 + 25 - 3?"
    cat question.txt | local-swarm ask
    """
    from .ask import ask as command

    command(question, seats, strategy, model, explain, as_json, url, api_key)


@app.command()
def chat(
    model: Annotated[
        str | None,
        typer.Option(help="A model id of the node, e.g. local-swarm-fast.", show_default=False),
    ] = None,
    seats: Seats = None,
    strategy: Strategy = None,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Talk to the swarm: the running node answers, or one is started for the conversation.

    \b
    local-swarm chat --seats 7
    /help inside tells the commands; nothing of the conversation is kept.
    """
    from .chat import chat as command

    command(model, seats, strategy, url, api_key)


@app.command()
def connect(
    client: Annotated[
        str | None,
        typer.Argument(help="Like aider or zed; left out, all are listed.", show_default=False),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the client's own file.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Replace a file that is there (kept as .bak).")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Print or write what an editor, agent or chat program needs to use the node.

    \b
    local-swarm connect                 the programs that are known
    local-swarm connect aider           what to put where
    local-swarm connect aider --write   ~/.aider.conf.yml, if there is none yet
    """
    from .connect import connect as command

    command(client, write, yes, as_json, url, api_key)


@app.command()
def top(
    once: Annotated[bool, typer.Option("--once", help="Show it once and leave.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Watch the running node: seats, memory, queue and speed."""
    from .top import top as command

    command(once, as_json, url, api_key)


@app.command()
def status(as_json: AsJson = False, url: Url = None, api_key: Key = None) -> None:
    """Show the running node: engine, memory, seats, queue and speed."""
    from .control import status as command

    command(as_json, url, api_key)


@app.command()
def stop(url: Url = None) -> None:
    """Stop the running node."""
    from .control import stop as command

    command(url)


acting.add(app)
lan.add(app)
machine.add(app)
measure.add(app)


@app.command()
def version() -> None:
    """Print the version."""
    print(f"local-swarm {__version__}")
