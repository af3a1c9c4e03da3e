"""Brings a model file to disk: resumed where it broke off, checked, and never half there."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import FetchError, HubUnreachable, ModelFileError
from .gguf import check_whole
from .lock import held
from .source import AGAIN, CHUNK, Source, Wanted

OnProgress = Callable[[int, int | None], None]  # bytes done, bytes in all where that is known
_TRIES = 5  # without a single byte
_PAUSE_S = 0.5  # doubled at each


def fetch(
    source: Source, wanted: Wanted, target: Path, progress: OnProgress, pause_s: float = _PAUSE_S
) -> Path:
    """Brings the file to `target` and returns that; what is there already is not asked for.

    The bytes go to `NAME.partial`, which a later call goes on with, and only a whole and verified
    file gets its name; its SHA-256 is kept beside it. Of several processes one downloads, and the
    others wait for it. Raises HubUnreachable, or FetchError (no space, wrong checksum, no model).
    """
    partial = target.with_suffix(".partial")

    def waiting() -> None:
        with suppress(OSError):
            progress(partial.stat().st_size, wanted.size)

    try:
        if _is_there(target, wanted):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with held(target.with_suffix(".lock"), waiting):
            if not _is_there(target, wanted):
                _room(partial, wanted)
                _note_begun(partial, wanted)
                digest = _pull(source, wanted, partial, progress, pause_s)
                _accept(wanted, partial, digest)
                noted(partial).unlink(missing_ok=True)
                noted(target).write_text(f"{digest}  {target.name}\n", encoding="utf-8")
                partial.replace(target)
                _sync_folder(target.parent)
    except OSError as error:
        raise FetchError(f"{target} cannot be written: {error.strerror or error}.") from None
    return target


def noted(path: Path) -> Path:
    """The file with the SHA-256 of `path`, as `sha256sum --check` reads it."""
    return path.with_name(f"{path.name}.sha256")


def known_sha256(path: Path) -> str | None:
    """The SHA-256 that `path` had when it arrived; None where nobody noted it."""
    try:
        digest = noted(path).read_text(encoding="utf-8").partition(" ")[0]
    except (OSError, UnicodeDecodeError):
        return None
    return digest if len(digest) == 64 else None


def begun(partial: Path) -> tuple[str, int] | None:
    """The SHA-256 and the size that a download in progress is to have; None where nobody knows."""
    try:
        digest, size = noted(partial).read_text(encoding="utf-8").split()
        return digest, int(size)
    except (OSError, ValueError):
        return None


def sha256_of(path: Path, progress: OnProgress = lambda *_: None) -> str:
    """The SHA-256 of a file. Raises OSError."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while block := file.read(CHUNK):
            digest.update(block)
            done += len(block)
            progress(done, size)
    return digest.hexdigest()


def _is_there(target: Path, wanted: Wanted) -> bool:
    if not target.is_file():
        return False
    if wanted.size is not None and target.stat().st_size != wanted.size:
        return False
    known = known_sha256(target)
    return known is None or wanted.sha256 is None or known == wanted.sha256


def _note_begun(partial: Path, wanted: Wanted) -> None:
    """So that a node beside can give others what is there already."""
    note = noted(partial)
    if wanted.sha256 is None or wanted.size is None:
        note.unlink(missing_ok=True)
    elif begun(partial) != (told := (wanted.sha256.lower(), wanted.size)):
        note.write_text(f"{told[0]} {told[1]}\n", encoding="utf-8")


def _room(partial: Path, wanted: Wanted) -> None:
    """Raises FetchError where the rest does not fit on the disk."""
    have = partial.stat().st_size if partial.exists() else 0
    free = shutil.disk_usage(partial.parent).free
    if wanted.size is not None and wanted.size - have > free:
        raise FetchError(
            f"{wanted.name} needs {wanted.size - have:,} bytes, {free:,} are free on the disk.",
            hint="Free some space, or choose a smaller model.",
        )


class _Partial:
    """The bytes that are there so far, and their SHA-256."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._digest, self.size = out, hashlib.sha256(), 0
        out.seek(0)
        while block := out.read(CHUNK):
            self._count(block)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        self._out.write(chunk)
        self._count(chunk)

    def restart(self) -> None:
        self._out.truncate(0)
        self._digest, self.size = hashlib.sha256(), 0

    def keep(self) -> None:
        """Returns when all of it is on the disk."""
        self._out.flush()
        os.fsync(self._out.fileno())

    def _count(self, block: bytes) -> None:
        self._digest.update(block)
        self.size += len(block)


def _pull(
    source: Source, wanted: Wanted, partial: Path, progress: OnProgress, pause_s: float
) -> str:
    """Brings the rest of `partial`, and returns the SHA-256 of all. A line that breaks off is
    tried again, as long as bytes come."""
    failures = 0
    with partial.open("a+b") as out:
        have = _Partial(out)
        if wanted.size is None:
            have.restart()  # nobody could tell whether it is whole already
        while wanted.size is None or have.size < wanted.size:
            before = have.size
            try:
                _try(source, wanted, have, progress)
                break
            except HubUnreachable:
                failures = 0 if have.size > before else failures + 1
                if failures == _TRIES:
                    have.keep()
                    raise
                time.sleep(pause_s * 2**failures / 2)
            except OSError:
                if wanted.size is None:
                    have.restart()  # no later call goes on with it: it would only fill the disk
                raise
        have.keep()
        return have.sha256


def _try(source: Source, wanted: Wanted, have: _Partial, progress: OnProgress) -> None:
    with source.fetch(have.size) as stream:
        if stream.start != have.size:  # this source does not resume
            have.restart()
        for chunk in stream.chunks:
            have.write(chunk)
            if wanted.size is not None and have.size > wanted.size:
                have.restart()
                raise FetchError(
                    f"{wanted.name} is longer than the {wanted.size:,} bytes that were announced.",
                    hint="Run the same command again, or take another source.",
                )
            progress(have.size, wanted.size)
    if wanted.size is not None and have.size < wanted.size:
        raise HubUnreachable("The download broke off.", hint=AGAIN)


def _accept(wanted: Wanted, partial: Path, digest: str) -> None:
    """Raises FetchError, and removes the file, where it is not what was wanted."""
    size = partial.stat().st_size
    wrong_size = wanted.size is not None and size != wanted.size
    if wrong_size or (wanted.sha256 is not None and digest != wanted.sha256):
        partial.unlink()
        noted(partial).unlink(missing_ok=True)
        raise FetchError(f"{wanted.name} arrived damaged.", hint="Run the same command again.")
    if wanted.sha256 is None:  # nobody vouches for it: it must be a model at least
        try:
            check_whole(partial)
        except ModelFileError as error:
            partial.unlink()
            told = error.message.replace(str(partial), wanted.name)
            raise FetchError(told, hint=error.hint) from None


def _sync_folder(folder: Path) -> None:
    """The new name itself must be on the disk too; Windows cannot be asked for that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
