"""A text in the user's own editor."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from pathlib import Path

from ..errors import UsageError


def edit(text: str, command: str, extension: str) -> str | None:
    """`text` as it is after `command` has ended; None where that failed. Raises UsageError."""
    with tempfile.TemporaryDirectory(prefix="local-swarm-") as folder:  # mode 0700
        path = Path(folder, f"edit{extension}")
        path.write_bytes(text.encode("utf-8", "replace"))
        try:
            done = subprocess.run([*shlex.split(command), str(path)], check=False)
        except (OSError, ValueError):
            raise UsageError(
                f"The editor {command!r} cannot be started.", hint="Set EDITOR to one that can."
            ) from None
        if done.returncode != 0:
            return None
        return path.read_bytes().decode("utf-8", "replace")
