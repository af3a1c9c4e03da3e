"""A model's file by its SHA-256, which is how machines name files to each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .fetch import begun, known_sha256

PIECE = 64 << 20  # bytes: of a download in progress whole pieces are given, and no others
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Held:
    """A file of `size` bytes, the first `have` of which are there: all, or a download under way."""

    path: Path
    size: int
    have: int

    @property
    def ready(self) -> int:
        """How many bytes may be given."""
        return self.size if self.have >= self.size else self.have // PIECE * PIECE


def by_sha256(models: Path, digest: str) -> Held | None:
    """The downloaded file whose SHA-256 was `digest` (64 lower-case hex digits) when it arrived,
    else the beginning of one that is to have it: nobody can know yet whether it will.

    None where there is none. Names and paths of files take no part.
    """
    if not _DIGEST.fullmatch(digest) or not models.is_dir():
        return None
    for note in models.glob("*/*.sha256"):
        path = note.with_suffix("")
        if path.suffix == ".gguf" and path.is_file() and known_sha256(path) == digest:
            size = path.stat().st_size
            return Held(path, size, size)
    for path in models.glob("*/*.partial"):
        told = begun(path)
        if told is not None and told[0] == digest:
            return Held(path, told[1], path.stat().st_size)
    return None
