"""Files that nobody but their owner may read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LanError
from ..models.lock import take


def folder(path: Path) -> None:
    """Makes the folder, open to its owner alone. Raises LanError."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unwritable(path, error) from None


def write(path: Path, content: bytes) -> None:
    """Writes the whole file or leaves the old one as it was; mode 0600. Raises LanError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def close(path: Path) -> None:
    """Takes away what others were let do with the file; on Windows the folder's rights rule."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _unwritable(path: Path, error: OSError) -> LanError:
    return LanError(
        f"{path} cannot be written: {error.strerror or error}.",
        hint="The identity of this machine and its peers are kept there; make it writable.",
    )


@contextmanager
def held(place: Path) -> Iterator[None]:
    """Keeps other nodes off the folder, which they would share an identity with. Raises LanError
    where one has it."""
    folder(place)
    try:
        handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(place, error) from None
    try:
        if not take(handle):
            raise LanError(
                f"Another node runs with {place}: to all others the two would be one machine.",
                hint="Give this one a folder of its own: LOCAL_SWARM_HOME=~/second local-swarm run",
            )
        yield
    finally:
        os.close(handle)
