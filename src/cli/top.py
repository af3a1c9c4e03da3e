"""`local-swarm top`: what the node does right now, twice a second."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .. import settings as configuration
from ..wire.client import unreachable
from .find import address, fetch_status

_EVERY_S = 0.5


def top(once: bool, as_json: bool, url: str | None, api_key: str | None) -> None:
    """See app.top. Ends with Ctrl-C, or with exit code 1 when the node has gone."""
    settings = configuration.read()
    where, key = address(settings, url), api_key or settings.api_key
    found = fetch_status(where, key)
    if found is None:
        raise unreachable(where)
    if as_json:
        print(json.dumps(found))
        return
    out = Console(highlight=False)
    if once or not sys.stdout.isatty():
        out.print(screen(found, None, 0.0))
        return
    try:
        with Live(screen(found, None, 0.0), console=out, screen=True, auto_refresh=False) as live:
            while True:
                before, then = found, time.monotonic()
                time.sleep(_EVERY_S)
                found = fetch_status(where, key)
                if found is None:
                    break
                live.update(screen(found, before, time.monotonic() - then), refresh=True)
    except KeyboardInterrupt:
        return
    raise unreachable(where)


def screen(found: dict[str, Any], before: dict[str, Any] | None, seconds: float) -> Group:
    """The whole picture. `before` is the status `seconds` ago, for the speed between the two."""
    head = Text(
        f"Local Swarm {found['version']}   {found['state']}   {found['url']}   "
        f"up {_span(found['uptime_s'])}   {found['requests_total']} requests"
    )
    head.stylize("bold")
    parts: list[Any] = [head, Text()]
    for at, engine in enumerate(found["engines"]):
        old = before["engines"][at] if before and len(before["engines"]) > at else None
        parts.append(_engine(engine, old, seconds))
    peers = "none, this node works alone"
    if found.get("peers"):
        peers = f"{found['peers_up']} of {found['peers']} answer (local-swarm peers)"
    parts += [Text(), Text(f"peers: {peers}", style="dim")]
    parts.append(Text("Ctrl-C leaves; the node goes on", style="dim"))
    return Group(*parts)


def _engine(engine: dict[str, Any], old: dict[str, Any] | None, seconds: float) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", min_width=12)
    table.add_column(ratio=1)
    table.add_column(justify="right", min_width=16)
    made = engine["tokens_total"] - old["tokens_total"] if old else 0
    speed = f"{made / seconds:.0f} tokens/s" if seconds and made > 0 else "idle"
    if not seconds and engine["tokens_per_second"]:
        speed = f"{engine['tokens_per_second']:.0f} tokens/s last"
    table.add_row("engine", Text(f"{engine['model']} ({engine['state']})"), speed)
    for name, used, most in (
        ("seats", engine["slots_busy"], engine["slots"]),
        ("KV tokens", engine["kv_reserved"], engine["kv_cells"]),
    ):
        bar = ProgressBar(total=max(1, most), completed=used, width=32)
        table.add_row(name, bar, f"{used} of {most}")
    memory = "unknown" if engine["rss"] is None else f"{engine['rss'] / (1 << 20):.0f} MiB"
    facts = f"{engine['queue']} waiting, {engine['tokens_total']} tokens so far"
    table.add_row("", Text(facts), memory)
    if engine["restarts"]:
        table.add_row("", Text(f"{engine['restarts']} restarts: {engine['why'] or 'unknown why'}"))
    return table


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
