"""Runs a Python program in the sandbox: source in, what it printed out."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SwarmError
from . import system
from .policy import Limits, MiB, Policy
from .sandbox import Sandbox

# A fixed hash seed: sets and dicts of strings come in the same order in every run.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
_LIMITS = Limits(
    seconds=8,
    cpu_seconds=8,
    memory=512 * MiB,
    address_space=1024 * MiB,
    file_size=MiB,
    scratch=16 * MiB,
    processes=16,
    open_files=64,
    output=4 * MiB,
)


@dataclass(frozen=True, slots=True)
class PythonRunner:
    """Callable with a program's source; what `swarm/execution` asks for.

    The program sees no workspace, no network and no packages beyond the standard library.
    """

    sandbox: Sandbox
    limits: Limits = field(default=_LIMITS)

    async def __call__(self, source: str) -> str | None:
        """What the program printed; None when it failed, was ended, or could not be run."""
        program, needs = system.interpreter()
        with contextlib.suppress(SwarmError, OSError):
            with tempfile.TemporaryDirectory(prefix="local-swarm-") as folder:
                main = Path(folder, "main.py")
                await asyncio.to_thread(main.write_text, source, encoding="utf-8")
                policy = Policy(
                    readable=(*needs, Path(folder)),
                    environment=_ENVIRONMENT,
                    limits=self.limits,
                )
                command = [str(program), "-S", "-s", "-P", "-B", str(main)]
                outcome = await self.sandbox.run(command, policy)
            if outcome.ok and not outcome.dropped:
                return outcome.stdout.decode("utf-8", "replace")
        return None
