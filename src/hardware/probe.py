"""How a probe looks at the machine: it runs one outside program, or reads one small file.

Whatever that program does (hang, print without end, print Latin-1, leave children behind), the
caller gets text or None, and nothing is left running.
"""

from __future__ import annotations

import glob
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

TIMEOUT_S = 2.0  # a healthy tool answers in well under a second
_LIMIT = 1 << 20  # no tool has more to say


class Host(Protocol):
    """The machine as probes see it."""

    os: str
    arch: str

    def ask(self, *command: str) -> str | None:
        """What the program prints on standard output; None where it is absent or fails."""
        ...

    def read(self, path: str) -> str | None:
        """The text of a file, None where it cannot be read."""
        ...

    def paths(self, pattern: str) -> list[str]:
        """The paths that a shell pattern matches, sorted."""
        ...

    def memory(self) -> tuple[int, int]:
        """(total, available) bytes of RAM, as the operating system counts them."""
        ...

    def cores(self) -> tuple[int, int]:
        """(physical, logical) cores that this process may be scheduled on."""
        ...


@dataclass(slots=True)
class ThisMachine:
    """The real Host. `raw` collects all that was asked and read, for reports."""

    timeout_s: float = TIMEOUT_S
    raw: dict[str, str] = field(default_factory=dict)
    os: str = field(default_factory=platform.system)
    arch: str = field(default_factory=platform.machine)

    def ask(self, *command: str) -> str | None:
        path = shutil.which(command[0])
        if path is None:
            return None
        text = run([path, *command[1:]], self.timeout_s)
        self.raw["$ " + " ".join(command)] = "(no answer)" if text is None else text
        return text

    def read(self, path: str) -> str | None:
        try:
            with Path(path).open("rb") as file:
                text = file.read(_LIMIT).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None
        self.raw[path] = text
        return text

    def paths(self, pattern: str) -> list[str]:
        return sorted(glob.glob(pattern))  # noqa: PTH207 (the pattern is absolute)

    def memory(self) -> tuple[int, int]:
        import psutil

        seen = psutil.virtual_memory()
        return seen.total, seen.available

    def cores(self) -> tuple[int, int]:
        import psutil

        logical = psutil.cpu_count() or 1
        physical = psutil.cpu_count(logical=False) or logical
        try:
            allowed = len(psutil.Process().cpu_affinity())
        except (AttributeError, psutil.Error, OSError):  # macOS has no affinity
            allowed = logical
        return max(1, min(physical, allowed)), max(1, min(logical, allowed))


def run(command: list[str], timeout_s: float) -> str | None:
    """Standard output of `command`, as text with foreign bytes replaced.

    None when it cannot be started, fails, or has not ended after `timeout_s` seconds; its whole
    process group is killed then. Never raises.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    assert process.stdout
    pieces: list[bytes] = []
    stream = process.stdout

    def listen() -> None:
        with suppress(OSError, ValueError):
            pieces.append(stream.read(_LIMIT + 1))

    reader = threading.Thread(target=listen, name="probe", daemon=True)
    reader.start()
    reader.join(timeout_s)
    too_much = bool(pieces) and len(pieces[0]) > _LIMIT
    status: int | None = None
    if not reader.is_alive() and not too_much:
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout_s)
    _kill(process)
    reader.join(1)  # the pipe is closed now that all its writers are dead
    if not reader.is_alive():
        stream.close()
    if status != 0 or not pieces:
        return None
    return pieces[0].decode("utf-8", "replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and all its children; one that ended already may have left some behind."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)
