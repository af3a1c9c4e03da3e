"""What was replaced, kept outside the workspace, and put back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError, UsageError
from . import atomic
from .atomic import LARGEST, File
from .fence import Fence, Place


@dataclass(frozen=True, slots=True)
class Kept:
    """One replaced file: `NUMBER.json` says what, `NUMBER.before` is its old content."""

    note: Path

    @property
    def before(self) -> Path:
        return self.note.with_suffix(".before")

    def forget(self) -> None:
        self.note.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Backups:
    """A folder of backups of one workspace; only its owner can read it."""

    folder: Path
    fence: Fence

    @classmethod
    def at(cls, folder: Path, fence: Fence) -> Backups:
        """Raises UsageError for a folder in the workspace: what it keeps could be tampered with."""
        if folder.resolve().is_relative_to(fence.root):
            raise UsageError(f"{folder} is inside the workspace.", hint="Keep backups outside.")
        return cls(folder, fence)

    def keep(self, place: Place, before: File | None, after: bytes) -> Kept:
        """Called before `place` gets the content `after`. Raises OSError: then it must not."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = max((int(each.note.stem) for each in self._all()), default=0) + 1
        kept = Kept(self.folder / f"{number:06}.json")
        if before is not None:
            _private(kept.before, before.data)
        told = {
            "root": str(self.fence.root),
            "path": place.path,
            "mode": None if before is None else before.mode,
            "made": list(place.missing),
            "after": hashlib.sha256(after).hexdigest(),
        }
        _private(kept.note, json.dumps(told).encode())
        return kept

    def undo(self) -> list[str]:
        """Puts everything back, the last first, and forgets it; one line a file."""
        return [self._undo(each) for each in sorted(self._all(), key=_number, reverse=True)]

    def _undo(self, kept: Kept) -> str:
        told = json.loads(kept.note.read_bytes())
        path = str(told["path"])
        if told["root"] != str(self.fence.root):
            return f"{path}: it belongs to {told['root']}, left alone"
        try:
            with self.fence.walk(path) as place:
                line = _put_back(place, told, kept)
            self._remove(path, len(told["made"]))
        except ToolError as error:
            return f"{path}: left alone: {error.message}"
        kept.forget()
        return line

    def _remove(self, path: str, made: int) -> None:
        """Removes the `made` innermost folders of `path` where they are empty."""
        for _ in range(made):
            path = path.rpartition("/")[0]
            with suppress(OSError, ToolError), self.fence.walk(path) as place:
                os.rmdir(place.name, dir_fd=place.folder)

    def _all(self) -> Iterator[Kept]:
        for note in self.folder.glob("[0-9]*.json"):
            yield Kept(note)


def _put_back(place: Place, told: dict[str, object], kept: Kept) -> str:
    if place.path != told["path"]:
        raise ToolError("a link stands in its way now.")
    now = atomic.read(place, LARGEST)
    if now is not None and hashlib.sha256(now.data).hexdigest() != told["after"]:
        raise ToolError("it was changed since.")
    mode = told["mode"]
    if isinstance(mode, int):
        atomic.replace(place, kept.before.read_bytes(), mode)
        return f"{place.path}: put back"
    if now is not None:
        os.unlink(place.name, dir_fd=place.folder)
    return f"{place.path}: removed"


def _number(kept: Kept) -> int:
    return int(kept.note.stem)


def _private(path: Path, data: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(opened)
