"""A model's file by its SHA-256, which is how machines name files to each other."""

from __future__ import annotations

import re
from pathlib import Path

from .fetch import known_sha256

_DIGEST = re.compile(r"[0-9a-f]{64}")


def by_sha256(models: Path, digest: str) -> Path | None:
    """The downloaded file whose SHA-256 was `digest` (64 lower-case hex digits) when it arrived;
    None where there is none. Names and paths of files take no part."""
    if not _DIGEST.fullmatch(digest) or not models.is_dir():
        return None
    for note in models.glob("*/*.sha256"):
        path = note.with_suffix("")
        if path.suffix == ".gguf" and path.is_file() and known_sha256(path) == digest:
            return path
    return None
