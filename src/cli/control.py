"""`local-swarm status` and `local-swarm stop`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import httpx
from rich.console import Console

from .. import settings as configuration
from ..errors import NodeUnreachable, SwarmError, UsageError
from ..wire import runtime
from ..wire.address import same_place
from ..wire.client import error_of, key_header
from .find import address, fetch_status

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
    for engine in found["engines"]:
        speed = engine["tokens_per_second"]
        told = f", {speed:.0f} tokens/s at the last answer" if speed else ""
        out.print(
            f"  engine {engine['model']}: {engine['state']}, pid {engine['pid']}, "
            f"RSS {_mib(engine['rss'])}, PSS {_mib(engine['pss'])}, "
            f"{engine['restarts']} restarts"
        )
        if engine["why"]:
            out.print(f"    it ended last because: {engine['why']}")
        out.print(
            f"    {engine['slots_busy']} of {engine['slots']} slots and {engine['kv_reserved']} of "
            f"{engine['kv_cells']} KV tokens in use, {engine['queue']} waiting, "
            f"{engine['tokens_total']} tokens so far{told}"
        )


def _mib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / (1 << 20):.0f} MiB"


def stop(url: str | None) -> None:
    """See app.stop."""
    settings = configuration.read()
    where = address(settings, url)
    nodes = runtime.running(settings.nodes)
    running = next((node for node in nodes if same_place(node.url, where)), None)
    if running is None:
        if fetch_status(where, settings.api_key) is None:
            print("No node is running.")
            return
        raise UsageError(
            f"The node at {where} was started by someone else: its control token is not here.",
            hint="Stop it with Ctrl-C where it runs.",
        )
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
