"""What an agent did, as JSON lines that only its user can read: to look back, and to resume."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .redact import redacted

_FILE = "transcript.jsonl"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Transcript:
    """One task's folder. A line is written before anything is done, and one after it."""

    folder: Path

    @property
    def id(self) -> str:
        """The name by which a task is resumed and undone."""
        return self.folder.name

    @property
    def path(self) -> Path:
        """The file of lines, mode 0600."""
        return self.folder / _FILE

    @property
    def backups(self) -> Path:
        """Where what is replaced is kept for `--undo`."""
        return self.folder / "backups"

    def write(self, kind: str, **facts: Any) -> None:
        """Adds a line: what looks like a secret is left out. Raises OSError (a full disk)."""
        line = {"kind": kind, "at": round(time.time(), 3), **redacted(facts)}
        data = json.dumps(line, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK, 0o600)
        try:
            while data:
                data = data[os.write(file, data) :]
        finally:
            os.close(file)

    @property
    def workspace(self) -> str | None:
        """The folder that it began in; None where that was never written."""
        with suppress(OSError), self.path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                entry = _entry(line)
                if entry is not None and entry["kind"] == "start":
                    return str(entry.get("workspace"))
        return None

    def read(self) -> list[dict[str, Any]]:
        """Its lines; one that was cut off by a crash is skipped. Raises OSError."""
        lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [entry for line in lines if (entry := _entry(line)) is not None]


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("kind"), str) else None


def begin(folder: Path) -> Transcript:
    """A new one in `folder`, for the user alone. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    made.mkdir(mode=0o700)
    return Transcript(made)


def is_id(word: str) -> bool:
    """Whether a word looks like the name of a task."""
    return _ID.fullmatch(word) is not None


def find(folder: Path, name: str | None, workspace: Path | None = None) -> Transcript:
    """The transcript `name`, else the latest one of `workspace`. Raises UsageError."""
    if name is not None:
        found = Transcript(folder / name)
        if not is_id(name) or not found.path.is_file():
            raise UsageError(f"There is no task {name[:60]!r}.", hint=f"They lie in {folder}.")
        return found
    for path in sorted(folder.glob("*"), reverse=True):
        if is_id(path.name) and Transcript(path).workspace == str(workspace):
            return Transcript(path)
    raise UsageError(
        f"Nothing was done in {workspace} yet.", hint='Begin with: local-swarm agent "TASK"'
    )


def messages(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The conversation in a transcript, so that it can go on: a call that was never answered (the
    machine went down in the middle) is answered by saying so."""
    made: list[dict[str, Any]] = []
    waiting: list[str] = []
    for entry in entries:
        message = entry.get("message")
        if entry["kind"] != "message" or not isinstance(message, dict):
            continue
        if message.get("role") == "tool":
            waiting = [id for id in waiting if id != message.get("tool_call_id")]
        else:
            made += [_unknown(id) for id in waiting]
            waiting = [_id(call) for call in message.get("tool_calls") or ()]
        made.append(message)
    return made + [_unknown(id) for id in waiting]


def secrets_in(entries: list[dict[str, Any]]) -> bool:
    """Whether something that may be a secret was read or written."""
    return any(
        entry["kind"] == "action"
        and entry.get("risk") == "secret"
        and entry.get("decision") in ("yes", "always")
        for entry in entries
    )


def _id(call: Mapping[str, Any]) -> str:
    return str(call.get("id") or "")


def _unknown(id: str) -> dict[str, Any]:
    text = "error: interrupted; whether it was done is not known"
    return {"role": "tool", "tool_call_id": id, "content": text}
