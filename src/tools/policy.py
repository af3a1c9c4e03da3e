"""What a sandboxed command may touch and use up, and how it ended: plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

MiB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` by the clock, `cpu_seconds` of one process; sizes in bytes.

    `processes` counts threads too; a fork beyond it fails, or ends the command.
    `memory` is what all processes together may hold, and what one may allocate;
    `address_space` may be larger, because some programs reserve far more than they use.
    `scratch` is the room in the private /tmp where there is one. Of the output, `output` bytes
    are kept, half from its head and half from its tail; a command that writes `flood` bytes is
    ended.
    """

    seconds: float = 30.0
    cpu_seconds: int = 60
    memory: int = 1024 * MiB
    address_space: int = 4096 * MiB
    file_size: int = 256 * MiB
    scratch: int = 256 * MiB
    processes: int = 64
    open_files: int = 256
    output: int = 16 * 1024
    flood: int = 64 * MiB


@dataclass(frozen=True, slots=True)
class Policy:
    """`workspace` is read and written and is the working folder; None gives none.

    `readable` are further files and folders to read and execute. `network` opens IPv4 and IPv6
    (the machine's own services included); unix sockets stay closed. `environment` is added to a
    clean one: PATH, LANG, HOME and TMPDIR (both of them private scratch). `hidden` are files and
    folders in the workspace that can be neither read, changed, moved nor linked; `fixed` are
    some that can be read, and neither changed nor moved. Only a sandbox that `hides` takes any.
    """

    workspace: Path | None = None
    readable: tuple[Path, ...] = ()
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    hidden: tuple[Path, ...] = ()
    fixed: tuple[Path, ...] = ()


class Ended(StrEnum):
    """Why a command came to its end."""

    EXIT = "exit"  # by itself: see `status`
    TIME = "time"
    MEMORY = "memory"
    PROCESSES = "processes"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is the exit status, negative for the signal that ended it (128 more than
    the signal behind bubblewrap); None if we ended it.

    `dropped` counts the bytes of output that were cut out of the middle.
    """

    status: int | None
    ended: Ended
    stdout: bytes
    stderr: bytes
    dropped: int
    seconds: float

    @property
    def ok(self) -> bool:
        return self.ended is Ended.EXIT and self.status == 0
