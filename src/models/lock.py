"""A lock that processes share, and that the system gives back when one of them is killed."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_WAIT_S = 0.2
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the lock at `path`; `waiting` is called again and again while another process does.

    The file is gone afterwards. Where the file system knows no locks there is none, as with every
    other program. Raises OSError where the file cannot be made.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not take(handle):
                waiting()
                time.sleep(_WAIT_S)
            if not _is_still(path, handle):  # its last holder removed it meanwhile
                continue
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes no open file: it stays, and is empty
                    path.unlink()
            return
        finally:
            os.close(handle)  # gives the lock back


def take(handle: int) -> bool:
    """Whether the lock on an open file is ours now, or there are no locks here. Closing the file
    gives it back."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD
    return True


def _is_still(path: Path, handle: int) -> bool:
    try:
        there, ours = path.stat(), os.fstat(handle)
    except OSError:
        return False
    return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)
