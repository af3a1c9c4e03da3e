"""Which model it is: the SHA-256 of its file, counted once as long as the file stays the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any


def fingerprint(path: Path, cache: Path) -> str:
    """SHA-256 of the file at `path` (64 hexadecimal digits); what was counted is kept in the file
    `cache`, by size and time of change. Raises OSError."""
    facts = path.stat()
    known = _read(cache)
    entry = known.get(str(path.resolve()))
    if isinstance(entry, list) and entry[:2] == [facts.st_size, facts.st_mtime_ns]:
        return str(entry[2])
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    known[str(path.resolve())] = [facts.st_size, facts.st_mtime_ns, found]
    with contextlib.suppress(OSError):  # a full disk: it is counted again the next time
        write(cache, known)
    return found


def write(path: Path, value: Any) -> None:
    """Writes JSON whole or not at all, readable by its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        ours = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(ours, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
