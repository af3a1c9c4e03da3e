"""The folders of tasks that were done: which are under way, and which are removed in time."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SwarmError, UsageError
from .transcript import Transcript, is_id

MOST, DAYS, BYTES = 200, 90, 1 << 30  # tasks; days since the last line; bytes of all together
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Past:
    """A task as it is kept: `begun` in words of its user, `changed` how many files `--undo` would
    put back, `bytes` on the disk. `ending` is None where it was broken off, or is under way."""

    id: str
    workspace: str | None
    begun: str
    ending: str | None
    running: bool
    changed: int
    bytes: int


@contextmanager
def held(task: Transcript) -> Iterator[None]:
    """While this lasts, no other process may take the task up or remove it.

    Raises UsageError where one has it. A process that dies lets go of it.
    """
    with ExitStack() as stack:
        if not _locked(task, stack):
            raise UsageError(f"Task {task.id} is under way.", hint="Wait for it, or stop it.")
        yield


def every(folder: Path) -> list[Transcript]:
    """All tasks, the last first."""
    with suppress(OSError):
        names = sorted((path.name for path in folder.iterdir() if is_id(path.name)), reverse=True)
        return [Transcript(folder / name) for name in names if not (folder / name).is_symlink()]
    return []


def past(task: Transcript) -> Past:
    """What is known of a task."""
    entries: list[dict[str, Any]] = []
    with suppress(OSError):
        entries = task.read()
    said = [entry["message"] for entry in entries if isinstance(entry.get("message"), Mapping)]
    begun = next((str(each.get("content")) for each in said if each.get("role") == "user"), "")
    last = entries[-1] if entries else {}
    with ExitStack() as stack:
        running = not _locked(task, stack)
    changed = len(list(task.backups.glob("[0-9]*.json")))
    ending = str(last.get("ending")) if last.get("kind") == "end" and not running else None
    return Past(task.id, task.workspace, begun, ending, running, changed, _bytes(task))


def remove(task: Transcript) -> None:
    """Removes a task with its backups. Raises UsageError for one that is under way, and SwarmError
    where it cannot be removed."""
    with held(task):
        try:
            shutil.rmtree(task.folder)
        except OSError as error:
            raise SwarmError(
                f"{task.folder} cannot be removed: {error.strerror}.", hint="Remove it by hand."
            ) from None


def prune(folder: Path, now: float | None = None) -> list[str]:
    """Removes old tasks: beyond MOST, older than DAYS, and the oldest of those that have more than
    BYTES together. The last task of each folder that is still there stays, whatever its age: it is
    what `resume` and `--undo` mean; so does what is under way. Returns what was removed.
    """
    now = time.time() if now is None else now
    seen: set[str] = set()
    removed: list[str] = []
    total = 0
    for place, task in enumerate(every(folder)):
        workspace = task.workspace
        latest = workspace is not None and workspace not in seen and Path(workspace).is_dir()
        seen.add(str(workspace))
        total += _bytes(task)
        old = now - _touched(task) > DAYS * 86400
        if latest or not (place >= MOST or old or total > BYTES):
            continue
        with suppress(SwarmError):  # under way, or not ours to remove
            size = _bytes(task)
            remove(task)
            total -= size
            removed.append(task.id)
    return removed


def _locked(task: Transcript, stack: ExitStack) -> bool:
    """Whether we have the task now, until `stack` ends."""
    try:
        import fcntl
    except ImportError:  # Windows, where no task is done
        return True
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    try:
        opened = os.open(task.folder / _LOCK, flags, 0o600)
    except OSError:  # it went away, or a read-only disk: nobody can work in it
        return True
    stack.callback(os.close, opened)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _bytes(task: Transcript) -> int:
    total = 0
    for folder, _, names in os.walk(task.folder):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total


def _touched(task: Transcript) -> float:
    """When its last line was written; of one without a line, when its folder was made."""
    for path in (task.path, task.folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return time.time()
