"""The folder that tools work in: its files are read and replaced, and nothing outside."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError
from . import atomic, own
from .atomic import LARGEST, File
from .backup import Backups
from .fence import Fence, Place
from .policy import MiB
from .sensitive import of_git


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds: `kind` is as in `stat.S_IFMT`, of a link its own; `size` in bytes."""

    name: str
    kind: int
    size: int

    @property
    def is_folder(self) -> bool:
        return self.kind == stat.S_IFDIR


class Workspace:
    """One folder. All paths are relative to it, with `/`; absolute ones inside it are taken too.

    What is replaced is kept in `backups`, a folder outside of it, so that `undo` can put it back.
    Raises UsageError for a folder that is none, or that is a home folder, or above one.
    """

    def __init__(self, root: Path, *, backups: Path | None = None) -> None:
        self.fence = Fence.around(root)
        self.own = own.parts(self.fence.root)
        """Where in it our own program lies: neither tools nor commands change that."""
        self._backups = Backups.at(backups, self.fence) if backups is not None else None

    @property
    def root(self) -> Path:
        """The real path of the folder."""
        return self.fence.root

    def where(self, path: str) -> str:
        """The real path from the root, whether something is there or not. Raises ToolError."""
        with self.fence.walk(path) as place:
            return place.path

    def is_folder(self, path: str) -> bool:
        """Raises ToolError where nothing is there, or it is outside."""
        with self.fence.walk(path) as place:
            if place.status is None:
                raise ToolError(f"{path} not found.")
            return place.is_folder

    def find(self, path: str, most: int = LARGEST) -> File | None:
        """A regular file, at most `most` bytes of it; None where nothing is there.

        Raises ToolError for folders, devices, pipes, sockets and whatever lies outside.
        """
        with self.fence.walk(path) as place:
            return atomic.read(place, most)

    def read(self, path: str, most: int = LARGEST) -> File:
        """The same, but a file that is not there is a ToolError too."""
        found = self.find(path, most)
        if found is None:
            raise ToolError(f"{path} not found.")
        return found

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds, by name. Raises ToolError."""
        with self.fence.walk(path) as place:
            opened = os.open(place.name, atomic.FOLDER, dir_fd=place.folder)
            try:
                found = []
                for name in sorted(os.listdir(opened)):  # noqa: PTH208 (of a descriptor)
                    with suppress(FileNotFoundError):  # it was removed meanwhile
                        status = os.lstat(name, dir_fd=opened)
                        found.append(Entry(name, stat.S_IFMT(status.st_mode), status.st_size))
                return found
            finally:
                os.close(opened)

    def writable(self, path: str) -> File | None:
        """What `write` would replace; None where it would make a file. Raises ToolError."""
        with self.fence.walk(path) as place:
            return self._writable(place, path)

    def write(self, path: str, data: bytes, *, over: File | None) -> str:
        """Puts `data` in the place of `over`, or makes a file and its folders; returns its path.

        Readers see the old file or the new one. The mode of the old one is kept. Raises ToolError
        for all that `writable` refuses, and where something else than `over` is there by now.
        """
        with self.fence.walk(path) as place:
            before = self._writable(place, path)
            if before != over:
                raise ToolError(f"{path} was changed meanwhile.", hint="Read it again.")
            kept = self._backups.keep(place, before, data) if self._backups else None
            try:
                atomic.replace(place, data)
            except BaseException:
                if kept is not None:
                    kept.forget()
                raise
            return place.path

    def _writable(self, place: Place, shown: str) -> File | None:
        path = self.root / place.path
        if any(path.is_relative_to(each) for each in self.own):
            raise ToolError(f"{place.path} belongs to Local Swarm itself: it is left alone.")
        return _writable(place, shown)

    def undo(self) -> list[str]:
        """Puts back what `write` replaced, the last first; returns one line a file.

        A file that somebody else has changed since is left alone, and its line says so.
        """
        return self._backups.undo() if self._backups else []


def _writable(place: Place, shown: str) -> File | None:
    if of_git(place.path):
        raise ToolError(f"{place.path}: what belongs to git is changed by git alone.")
    found = atomic.read(place, LARGEST)
    if found is not None and not found.whole:
        raise ToolError(f"{shown} is larger than {LARGEST // MiB} MiB: it is left alone.")
    if found is not None and not found.mode & 0o222:
        raise ToolError(f"{shown} is read-only.")  # a rename would get around that
    return found
