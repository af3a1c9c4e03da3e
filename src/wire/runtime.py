"""The files by which commands find running nodes, and which let only them control those."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Runtime:
    """A running node: its address, process id and control token."""

    url: str
    pid: int
    token: str


def write(path: Path, runtime: Runtime) -> None:
    """Leaves `runtime` at `path`, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{runtime.pid}")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(runtime), file)
        fresh.replace(path)
    except OSError:  # a full disk
        fresh.unlink(missing_ok=True)
        raise


def read(path: Path) -> Runtime | None:
    """The node that wrote `path`, if it still runs."""
    import psutil

    try:
        runtime = Runtime(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = all(
        isinstance(t, str) and t.isascii() and t.isprintable() for t in (runtime.url, runtime.token)
    )
    if type(runtime.pid) is not int or runtime.pid <= 0 or not texts:
        return None
    try:
        dead = psutil.Process(runtime.pid).status() == psutil.STATUS_ZOMBIE
    except (psutil.Error, OverflowError):
        return None
    return None if dead else runtime


def remove(path: Path, pid: int) -> None:
    """Takes the file away again, unless another node has written its own by now."""
    runtime = read(path)
    if runtime is not None and runtime.pid == pid:
        path.unlink(missing_ok=True)


def place(folder: Path, pid: int) -> Path:
    """Where the node of process `pid` leaves its file."""
    return folder / f"{pid}.json"


def running(folder: Path) -> list[Runtime]:
    """All living nodes that left a file, the one started last first."""
    dated = []
    for path in folder.glob("*.json"):
        try:
            dated.append((path.stat().st_mtime, path))
        except OSError:
            continue
    found = (read(path) for _, path in sorted(dated, reverse=True))
    return [entry for entry in found if entry is not None]
