"""`local-swarm models rm` and `models verify`: the files in the folder of models."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console

from .. import settings as configuration
from ..errors import UsageError
from ..models.inventory import Stored, fault, named, remove, stored
from ..obtain import OnDownload
from ..settings import Settings
from ..wire import runtime
from .find import fetch_status
from .progress import downloads
from .units import shown


def rm(names: list[str]) -> None:
    """See machine.rm."""
    settings = configuration.read()
    found = list(dict.fromkeys(one for name in names for one in named(name, settings.models)))
    served = _served(settings)
    for one in found:  # all or none
        if one.path.resolve() in served:
            raise UsageError(
                f"A running node serves {one.path.name}.", hint="End it first: local-swarm stop"
            )
    for one in found:
        remove(one)
        print(f"Removed {one.path.name} ({shown(one.bytes)})")


def _served(settings: Settings) -> set[Path]:
    """The model files of all nodes that run here."""
    files = set()
    for node in runtime.running(settings.nodes):
        for engine in (fetch_status(node.url, settings.api_key) or {}).get("engines", []):
            if engine.get("file"):
                files.add(Path(engine["file"]).resolve())
    return files


def verify(names: list[str] | None, as_json: bool) -> None:
    """See machine.verify. Exit code 1 when a file is damaged."""
    settings = configuration.read()
    found = stored(settings.models)
    if names:
        found = list(dict.fromkeys(one for name in names for one in named(name, settings.models)))
    console = Console(highlight=False, soft_wrap=True, markup=False, stderr=True)
    rows = []
    with downloads(console, "Reading") as bar:
        for one in found:
            state, why = _judged(one, bar)
            rows.append({"file": str(one.path), "state": state, "why": why})
            if not as_json:
                print(f"{state:<8} {one.path.name}{': ' + why if why else ''}")
    if as_json:
        print(json.dumps({"files": rows}, ensure_ascii=False))
    elif not found:
        print(f"There are no models in {settings.models}.")
    if any(row["state"] == "damaged" for row in rows):
        if not as_json:
            print("Remove what is damaged (local-swarm models rm NAME) and pull it again.")
        sys.exit(1)


def _judged(one: Stored, bar: OnDownload) -> tuple[str, str | None]:
    try:
        why = fault(one, lambda done, total: bar(one.path.name, done, total))
    except LookupError:
        return "unknown", "whole by its header, but nobody noted its SHA-256"
    if why is None:
        return "ok", None
    return ("damaged" if one.whole else "begun"), why
