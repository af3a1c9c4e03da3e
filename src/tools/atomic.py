"""Reading and replacing one file at a place that the fence found (fence.py)."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ..errors import ToolError
from .fence import Place
from .policy import MiB

LARGEST = 32 * MiB  # bytes of a file that are read, or replaced

_FLAGS = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
# Without O_NONBLOCK opening a pipe would wait for somebody to write to it.
READ = os.O_RDONLY | _FLAGS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
FOLDER = READ | getattr(os, "O_DIRECTORY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
_ODD = {
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A regular file as it was found: `path` is the real one from the root, `size` in bytes.

    `data` is its beginning, at most as many bytes as were asked for; `mode` its permissions.
    """

    path: str
    data: bytes
    size: int
    mode: int

    @property
    def whole(self) -> bool:
        return self.size <= len(self.data)


def read(place: Place, most: int) -> File | None:
    """At most `most` bytes of a regular file; None where nothing is there.

    Raises ToolError for folders, devices, pipes and sockets, and OSError.
    """
    if place.status is None:
        return None
    _regular(place.status, place)
    opened = os.open(place.name, READ, dir_fd=place.folder)
    with os.fdopen(opened, "rb") as file:
        status = os.fstat(opened)
        _regular(status, place)  # it may be another one by now
        return File(place.path, file.read(most), status.st_size, stat.S_IMODE(status.st_mode))


def replace(place: Place, data: bytes, mode: int | None = None) -> None:
    """Puts `data` there, whole or not at all (rename(2)), and makes the folders that are missing.

    What was there hands down its mode and owner, unless `mode` is given. Raises OSError.
    """
    with _folder(place) as folder:
        draft = f".{secrets.token_hex(8)}.tmp"
        opened = os.open(draft, _NEW, 0o666, dir_fd=folder)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                _like(opened, place.status, mode)
                os.fsync(opened)
            os.rename(draft, place.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft, dir_fd=folder)
            raise
        with suppress(OSError):  # some file systems have no way to sync a folder
            os.fsync(folder)


def _like(opened: int, status: os.stat_result | None, mode: int | None) -> None:
    if status is not None:
        with suppress(PermissionError):  # only root may give a file away
            os.fchown(opened, status.st_uid, status.st_gid)
        mode = status.st_mode if mode is None else mode
    if mode is not None:
        os.fchmod(opened, mode & 0o777)  # new content does not run as its owner


def _regular(status: os.stat_result, place: Place) -> None:
    if not stat.S_ISREG(status.st_mode):
        what = _ODD.get(stat.S_IFMT(status.st_mode), "something else")
        raise ToolError(f"{place.path} is {what}, not a file.")


@contextmanager
def _folder(place: Place) -> Iterator[int]:
    """The open folder that the file goes into."""
    opened = [os.dup(place.folder)]
    try:
        for name in place.missing:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=opened[-1])
            opened.append(os.open(name, FOLDER, dir_fd=opened[-1]))
        yield opened[-1]
    finally:
        for each in opened:
            os.close(each)
