"""`local-swarm connect CLIENT`: prints what another program needs, or writes its configuration."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .. import settings as configuration
from ..api.integrations import Client, clients
from ..errors import SwarmError, UsageError
from ..settings import DEFAULT_CONTEXT
from .find import address, fetch_status


def connect(
    name: str | None, write: bool, yes: bool, as_json: bool, url: str | None, key: str | None
) -> None:
    """See app.connect. Exit code 1 when a file that is there was not replaced."""
    settings = configuration.read()
    where = address(settings, url)
    key = key or settings.api_key
    status = fetch_status(where, key)
    known = clients(where, status["context"] if status else DEFAULT_CONTEXT, key or "local")
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if name is None:
        _list(known, as_json)
        return
    client = _named(name, known)
    if status is None:
        notes.print(f"No node answers at {where} now; start one with local-swarm run.", style="dim")
    if as_json:
        print(json.dumps(asdict(client)))
    elif write:
        _write(client, yes, notes)
    else:
        notes.print(f"{client.name}, {client.where}:", style="dim")
        print(client.text, end="")
    if client.note and not as_json:
        notes.print(client.note, style="dim")


def _list(known: Sequence[Client], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(client) for client in known]))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("client", "program", "--write writes"):
        table.add_column(title, overflow="fold")
    for client in known:
        table.add_row(client.id, client.name, f"~/{client.file}" if client.file else "")
    Console(highlight=False).print(table)


def _named(name: str, known: Sequence[Client]) -> Client:
    by_id = {client.id: client for client in known}
    if name.lower() in by_id:
        return by_id[name.lower()]
    near = difflib.get_close_matches(name.lower(), by_id, n=1, cutoff=0.5)
    raise UsageError(
        f"There is no client '{name}'.",
        hint=f"Did you mean {near[0]}?" if near else f"There are: {', '.join(by_id)}.",
    )


def _write(client: Client, yes: bool, notes: Console) -> None:
    """Writes the file; one that is there is replaced only after a yes, and kept as .bak."""
    if client.file is None:
        raise UsageError(
            f"{client.name} has no file to write; this belongs {client.where}.",
            hint=f"See: local-swarm connect {client.id}",
        )
    path = Path.home() / client.file
    try:
        if path.exists() and path.read_text("utf-8", "replace") == client.text:
            notes.print(f"{path} is so already.")
            return
        if path.exists():
            _may_replace(path, yes, client)
            kept = path.with_name(path.name + ".bak")
            if kept.exists():
                raise UsageError(f"{kept} is there already.", hint="Move it away first.")
            path.replace(kept)
            notes.print(f"The old file is {kept}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        # It may hold a key: nobody else reads it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(client.text)
    except OSError as error:
        raise SwarmError(f"{path} cannot be written: {error.strerror}.") from None
    notes.print(f"Written to {path}.")


def _may_replace(path: Path, yes: bool, client: Client) -> None:
    """Raises SwarmError when the user does not want the file replaced."""
    if yes:
        return
    hint = f"Add by hand what `local-swarm connect {client.id}` prints, or replace it with --yes."
    if not sys.stdin.isatty():
        raise SwarmError(f"{path} is there already; nothing was changed.", hint=hint)
    print(f"{path} is there already. Replace it (the old one is kept as .bak)? [y/N] ", end="")
    sys.stdout.flush()
    if input().strip().lower() not in ("y", "yes"):
        raise SwarmError("Nothing was changed.", hint=hint)
