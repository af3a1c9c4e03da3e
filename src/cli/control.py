"""`local-swarm status` and `local-swarm stop`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import httpx
from rich.console import Console

from .. import settings as configuration
from ..errors import NodeUnreachable, SwarmError
from ..wire import runtime
from ..wire.client import error_of, key_header
from .find import address, fetch_status, owned

_STOP_S = 15.0


def status(as_json: bool, url: str | None, api_key: str | None) -> None:
    """See app.status. Exit code 1 when no node runs, or it has failed."""
    settings = configuration.read()
    where = address(settings, url)
    found = fetch_status(where, api_key or settings.api_key)
    if found is None:
        if as_json:
            print(json.dumps({"state": "stopped", "url": where}))
        else:
            print(f"No node is running at {where}. Start one: local-swarm run")
        sys.exit(1)
    if as_json:
        print(json.dumps(found))
    else:
        _print(found)
    if found["state"] == "failed":
        sys.exit(1)


def _print(found: dict[str, Any]) -> None:
    out = Console(highlight=False, soft_wrap=True, markup=False)
    out.print(
        f"Local Swarm {found['version']}: {found['state']} at {found['url']}, pid {found['pid']}, "
        f"up {found['uptime_s']:.0f} s, {found['requests_total']} requests"
    )
    out.print(f"  {found['seats']} seats, context {found['context']}, strategy {found['strategy']}")
    if found.get("peers"):
        out.print(f"  {found['peers_up']} of {found['peers']} peers answer")
        for peer in found.get("machines", ()):
            out.print(f"  peer {_peer(peer)}")
    for engine in found["engines"]:
        _engine(out, engine)
    own = [engine for engine in found["engines"] if engine["pid"]]
    if len(own) > 1:
        out.print(
            f"  together: {len(own)} engine processes, RSS {_total(own, 'rss')}, "
            f"PSS {_total(own, 'pss')} (memory that they share counts once in PSS)"
        )


def _peer(peer: dict[str, Any]) -> str:
    speed = f", {peer['tokens_per_s']:.0f} tokens/s" if peer["tokens_per_s"] else ""
    models = " + ".join(peer["models"]) or "no model known"
    return f"{peer['name']}: {peer['state']}, {models}, {peer['seats']} seats{speed}"


def _engine(out: Console, engine: dict[str, Any]) -> None:
    speed = engine["tokens_per_second"]
    told = f", {speed:.0f} tokens/s at the last answer" if speed else ""
    seats = engine.get("seats")
    where = engine.get("url") or (
        f"pid {engine['pid']}, RSS {_mib(engine['rss'])}, PSS {_mib(engine['pss'])}"
    )
    out.print(
        f"  engine {engine['model']}: {engine['state']}, {engine.get('engine', 'llama.cpp')}, "
        f"{'' if seats is None else f'{seats} seats, '}{where}, {engine['restarts']} restarts"
    )
    if engine["why"]:
        out.print(f"    it ended last because: {engine['why']}")
    if measured := engine.get("measured"):
        out.print(f"    {_measured(measured)}")
    most = engine["kv_cells"]
    cells = f" and {engine['kv_reserved']} of {most} KV tokens" if most else ""
    out.print(
        f"    {engine['slots_busy']} of {engine['slots']} slots{cells} in use"
        f", {engine['queue']} waiting, {engine['tokens_total']} tokens so far{told}"
    )


def _measured(found: dict[str, Any]) -> str:
    """What was measured when this plan was tried."""
    one, every = found["one"], found["all"]
    speed = f", {one:.3g} tokens/s for one answer" if one else ", no speed: others were busy"
    if one and every and found["seats"] > 1:
        speed += f", {every:.3g} for each of {found['seats']}"
    planned = _mib(found["predicted"])
    return f"measured at its first start: {_mib(found['resident'])} ({planned} planned){speed}"


def _total(engines: list[dict[str, Any]], field: str) -> str:
    known = [engine[field] for engine in engines if engine[field] is not None]
    return _mib(sum(known) if known else None)


def _mib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / (1 << 20):.0f} MiB"


def stop(url: str | None) -> None:
    """See app.stop."""
    settings = configuration.read()
    running = owned(settings, url)
    if running is None:
        print("No node is running.")
        return
    try:
        response = httpx.post(
            f"{running.url}/swarm/stop",
            headers=[("X-Control-Token", running.token), *key_header(settings.api_key).items()],
            timeout=5,
            trust_env=False,
        )
    except httpx.TransportError:
        raise NodeUnreachable(f"The node at {running.url} does not answer.") from None
    if response.status_code != 200:
        raise error_of(response.status_code, response.content)
    deadline = time.monotonic() + _STOP_S
    while running in runtime.running(settings.nodes):
        if time.monotonic() > deadline:
            raise SwarmError(f"The node (pid {running.pid}) has not ended yet.", hint="Wait a bit.")
        time.sleep(0.05)
    print("Stopped.")
