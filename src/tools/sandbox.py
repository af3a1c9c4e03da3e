"""Runs one command where it can do no harm: `Sandbox.run`. Which sandbox works: probe.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import SandboxUnavailable, ToolError, UsageError
from . import bubblewrap, hiding, seatbelt, system, watch
from .output import Kept, keep
from .policy import Ended, Limits, Outcome, Policy
from .scratch import scratch

# The launcher runs in an interpreter that knows neither our package nor anybody's site folder.
_LAUNCHER = (
    "import sys, types; package = types.ModuleType('fence'); package.__path__ = [sys.argv[1]]; "
    "sys.modules['fence'] = package; from fence.launch import main; main()"
)
_END_S = 10.0


class Mechanism(StrEnum):
    """What holds the sandbox, the strongest first. What each covers: docs/sandbox.md."""

    NAMESPACES = "namespaces"
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    SANDBOX_EXEC = "sandbox-exec"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Runs commands behind one mechanism. `probe.find()` returns one that was seen to work."""

    mechanism: Mechanism

    @property
    def hides(self) -> bool:
        """Whether it can hide files of the workspace. Landlock only adds rights: what a folder may
        do, all in it may, and without that its new files could not be read either."""
        return self.mechanism is not Mechanism.LANDLOCK

    async def run(self, command: Sequence[str], policy: Policy) -> Outcome:
        """Runs `command` (a program and its arguments; no shell) and returns how it ended.

        Cancelling ends every process of it first. Raises UsageError for a workspace that is no
        folder or is the whole machine, and SandboxUnavailable when a fence could not be set up:
        nothing has run then.
        """
        with scratch() as folder:
            spec = await asyncio.to_thread(self._spec, list(command), policy, folder)
            return await _outcome(spec, policy.limits)

    def _spec(self, command: list[str], policy: Policy, scratch: Path) -> dict[str, Any]:
        private_tmp = self.mechanism in (Mechanism.NAMESPACES, Mechanism.BUBBLEWRAP)
        devices = () if private_tmp else map(Path, system.DEVICES)
        read, links = system.mapped(
            [*system.readable(network=policy.network), *policy.readable, *devices]
        )
        if (policy.hidden or policy.fixed) and not self.hides:
            raise SandboxUnavailable(self.mechanism, "it cannot hide files of the workspace")
        temporary = "/tmp" if private_tmp else str(scratch)
        write = [] if private_tmp else [str(scratch)]
        folder = temporary
        if policy.workspace is not None:
            folder = str(_workspace(policy.workspace))
            write.append(folder)
        hidden = hiding.plan(folder, policy.hidden, policy.fixed)
        spec: dict[str, Any] = {
            "mechanism": self.mechanism.value,
            "argv": command,
            "environment": {
                "PATH": system.PATH,
                "LANG": "C.UTF-8",
                "HOME": temporary,
                "TMPDIR": temporary,
                **policy.environment,
            },
            "read": read,
            "write": write,
            "links": links,
            "held": hidden.held,
            "hidden": hidden.paths,
            "fixed": hidden.fixed,
            "folder": folder,
            "network": policy.network,
            "root": os.geteuid() == 0,
            "limits": _limits(policy.limits, self.mechanism),
        }
        if self.mechanism is Mechanism.BUBBLEWRAP:
            spec["bubblewrap"] = bubblewrap.arguments(
                shutil.which("bwrap") or "bwrap",
                read,
                write,
                links,
                hidden,
                hiding.mask(scratch) if hidden.paths else "",
                folder=folder,
                network=policy.network,
            )
        elif self.mechanism is Mechanism.SANDBOX_EXEC:
            spec["profile"] = seatbelt.profile(read, write, hidden, network=policy.network)
        return spec


@dataclass(frozen=True, slots=True)
class Unfenced:
    """Runs commands as the user would, with nothing but the limits around them.

    Only for whom a person has said that this is wanted. `environment` is all that they see.
    """

    environment: Mapping[str, str]
    hides = False

    async def run(self, command: Sequence[str], policy: Policy) -> Outcome:
        """As `Sandbox.run`; of `policy` only the workspace and the limits count."""
        spec = {
            "mechanism": "none",
            "argv": list(command),
            "environment": dict(self.environment),
            "folder": str(_workspace(policy.workspace or Path.cwd())),
            "limits": await asyncio.to_thread(_limits, policy.limits, None),
        }
        return await _outcome(spec, policy.limits)


async def _outcome(spec: dict[str, Any], limits: Limits) -> Outcome:
    started = time.monotonic()
    told, out, err = await _launch(spec, limits)
    if "error" in told and spec["mechanism"] == "none":
        raise ToolError(f"The command could not be started: {told['error']}.")
    if "error" in told:
        raise SandboxUnavailable(spec["mechanism"], told["error"])
    ended = Ended.OUTPUT if out.flooded or err.flooded else Ended(told["ended"])
    return Outcome(
        os.waitstatus_to_exitcode(told["status"]) if ended is Ended.EXIT else None,
        ended,
        out.bytes(),
        err.bytes(),
        out.dropped + err.dropped,
        time.monotonic() - started,
    )


async def _launch(spec: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], Kept, Kept]:
    report, report_in = os.pipe()
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", "-c", _LAUNCHER, str(Path(__file__).parent)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(report_in,),
                env={"LANG": "C.UTF-8"},
                start_new_session=True,
            )
        finally:
            os.close(report_in)
        assert process.stdin and process.stdout and process.stderr
        spec = {**spec, "report": report_in}
        end = process.stdin.close  # the launcher takes this for the order to end everything
        out, err = Kept(limits), Kept(limits)
        readers = [
            asyncio.create_task(keep(stream, kept, end))
            for stream, kept in ((process.stdout, out), (process.stderr, err))
        ]
        try:
            process.stdin.write(json.dumps(spec).encode() + b"\n")
            await process.wait()
        finally:
            end()
            await _gone(process, readers)
        told = os.read(report, 65536)
        return json.loads(told or b'{"error": "the launcher died"}'), out, err
    finally:
        os.close(report)


async def _gone(process: asyncio.subprocess.Process, readers: list[asyncio.Task[None]]) -> None:
    """Waits until the launcher has ended and all is read, whoever cancels us meanwhile."""

    async def wait() -> None:
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # what it held dies with it
            await process.wait()
        await asyncio.gather(*readers)

    waiting = asyncio.ensure_future(wait())
    cancelled = False
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


def _workspace(path: Path) -> Path:
    real = path.resolve()
    if not real.is_dir():
        raise UsageError(f"{path} is not a folder.", hint="Name a folder that exists.")
    if real == Path(real.anchor):
        raise UsageError("The whole machine cannot be a workspace.", hint="Name one folder.")
    return real


def _limits(limits: Limits, mechanism: Mechanism | None) -> dict[str, float]:
    told = {
        "seconds": limits.seconds,
        "cpu_seconds": limits.cpu_seconds,
        "memory": limits.memory,
        "address_space": limits.address_space,
        "file_size": limits.file_size,
        "scratch": limits.scratch,
        "processes": limits.processes,
        "open_files": limits.open_files,
    }
    # The kernel counts all that the user runs, but in a user namespace only what runs inside.
    mine = 3 if mechanism is Mechanism.NAMESPACES and _counts_inside() else _tasks_of_user()
    return {**told, "user_processes": limits.processes + mine}


def _counts_inside() -> bool:
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)


def _tasks_of_user() -> int:
    """Processes and threads that our user has now."""
    if sys.platform == "linux":
        return watch.tasks(os.getuid())
    import psutil

    return sum(1 for each in psutil.process_iter(["uids"]) if each.info["uids"])
