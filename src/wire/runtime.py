"""The file by which commands find the running node, and which lets only them control it."""

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
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(runtime), file)
    fresh.replace(path)


def read(path: Path) -> Runtime | None:
    """The node that wrote `path`, if it still runs."""
    import psutil

    try:
        runtime = Runtime(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    if type(runtime.pid) is not int or runtime.pid <= 0 or not isinstance(runtime.url, str):
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
