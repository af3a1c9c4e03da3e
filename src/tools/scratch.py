"""A folder for what a command leaves behind where there is no private /tmp."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder, gone afterwards with whatever is in it by then."""
    path = Path(tempfile.mkdtemp(prefix="local-swarm-")).resolve()
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            _empty(path)
            path.rmdir()


def _empty(path: Path) -> None:
    """Removes all that is in a folder, however deep (shutil.rmtree ends at 1,000 levels), and
    whatever its modes: what a subfolder holds is moved up, then the subfolder is removed."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    numbers = itertools.count()
    try:
        while names := os.listdir(top):  # noqa: PTH208 (of a descriptor)
            for name in names:
                if stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
                    _flatten(top, name, numbers)
                else:
                    os.unlink(name, dir_fd=top)
    finally:
        os.close(top)


def _flatten(top: int, name: str, numbers: Iterator[int]) -> None:
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for each in os.listdir(folder):  # noqa: PTH208
            if stat.S_ISDIR(os.lstat(each, dir_fd=folder).st_mode):
                os.chmod(each, 0o700, dir_fd=folder)  # else it cannot be moved
                os.rename(each, f".{next(numbers)}", src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(each, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
