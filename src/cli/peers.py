"""`local-swarm invite`, `join`, `peers`, `pause` and `resume`: asks the running node."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import httpx
from rich.console import Console

from .. import settings as configuration
from ..errors import NodeUnreachable
from ..network.lan import Lan, LanConfig
from ..wire import runtime
from ..wire.client import error_of, key_header, unreachable
from .find import address, owned

_JOIN_S = 30.0
_HEAD = ("name", "id", "state", "seats", "models", "tokens/s", "votes", "address")


def invite(trust: bool, as_json: bool, url: str | None) -> None:
    """See lan.invite."""
    made = _ask("POST", "/swarm/invite", url, {"trust": trust})
    if as_json:
        print(json.dumps(made))
        return
    print(f"local-swarm join {made['code']}{' --trust' if trust else ''}")
    out = _console(stderr=True)
    out.print(
        f"Run that line on the other machine within {made['seconds'] / 60:.0f} minutes; it works "
        "once."
    )
    if made["addresses"]:
        out.print(f"Is this one not found there, add: --at {made['addresses'][0]}")


def join(code: str, at: str | None, trust: bool, as_json: bool, url: str | None) -> None:
    """See lan.join."""
    peer = _ask("POST", "/swarm/join", url, {"code": code, "at": at, "trust": trust})
    if as_json:
        print(json.dumps(peer))
        return
    print(f"Paired with {peer['name']} ({peer['id'][:12]}). `local-swarm peers` shows all.")


def peers(as_json: bool, url: str | None) -> None:
    """See lan.peers. Without a running node: what is kept on the disk."""
    told = _ask("GET", "/swarm/peers", url) if _node(url) else asdict(_on_disk().peers())
    if as_json:
        print(json.dumps(told))
        return
    out = _console()
    here = f"{told['name']} ({told['id'][:12]}), " if told["id"] else ""
    port = f"peer port {told['port']}" if told["port"] else "peer port shut"
    paused = ", paused" if told["paused"] else ""
    out.print(f"This machine: {here}{told['mode']}, {port}{paused}")
    for trouble in (told["trouble"], told["twin"], told["discovery"]):
        if trouble:
            out.print(f"  {trouble}")
    if not told["peers"]:
        out.print("No peers yet. `local-swarm invite` prints the line that pairs a machine.")
        return
    rows = [_HEAD, *(_row(peer) for peer in told["peers"])]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for row, peer in zip(rows, (None, *told["peers"]), strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.print("  ".join(cells).rstrip())
        for trouble in (peer["trouble"], peer["audit"], peer["sits_out"]) if peer else ():
            if trouble:
                out.print(f"  {trouble}")


def _row(peer: dict[str, Any]) -> tuple[str, ...]:
    speed = peer["tokens_per_s"]
    votes = "trusted" if peer["trusted"] else "proven" if peer["proven"] else "new"
    if peer["ballots"]:
        votes += f", {peer['agreed']} of {peer['ballots']} agreed"
    return (
        peer["name"],
        peer["id"][:12],
        peer["state"] or "-",
        str(peer["seats"] or "-"),
        ", ".join(peer["models"]) or "-",
        f"{speed:.0f}" if speed else "-",
        votes,
        next(iter(peer["addresses"]), "-"),
    )


def change(what: str, body: dict[str, Any], url: str | None, told: str) -> None:
    """One change of a peer, through the running node or, without one, on the disk."""
    if _node(url):
        peer = _ask("POST", f"/swarm/peers/{what}", url, body)
    else:
        peer = asdict(getattr(_on_disk(), what)(**body))
    print(told.format(name=peer["name"]))


def step_back(what: str, url: str | None) -> None:
    """See lan.pause and lan.resume."""
    paused = _ask("POST", f"/swarm/{what}", url)["paused"]
    print("Peers are not answered." if paused else "Peers are answered.")


def _node(url: str | None) -> runtime.Runtime | None:
    return owned(configuration.read(), url)


def _on_disk() -> Lan:
    return Lan(LanConfig(configuration.read().lan))


def _ask(method: str, path: str, url: str | None, body: dict[str, Any] | None = None) -> Any:
    """What the node answers. Raises NodeUnreachable when none runs, and the node's own errors."""
    settings = configuration.read()
    node = _node(url)
    if node is None:
        raise unreachable(address(settings, url))
    try:
        response = httpx.request(
            method,
            f"{node.url}{path}",
            json=body,
            headers=[("X-Control-Token", node.token), *key_header(settings.api_key).items()],
            timeout=_JOIN_S,
            trust_env=False,
        )
    except httpx.TransportError:
        raise NodeUnreachable(f"The node at {node.url} does not answer.") from None
    if response.status_code != 200:
        raise error_of(response.status_code, response.content)
    return response.json()


def _console(*, stderr: bool = False) -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False, stderr=stderr)
