"""Finds a sandbox by really trying: `find()` for one that works, `report()` for people."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SandboxUnavailable, SwarmError
from . import system
from .policy import Limits, Policy
from .sandbox import Mechanism, Sandbox

# Tried in this order. Each line breaks one promise; the last word is printed if none broke.
_TRIAL = """
import os, socket, sys
folder = sys.argv[1]
def fails(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return
    sys.exit(what.__name__ + " was not stopped")
open("here", "w").close()
fails(open, folder + "/canary")
fails(open, folder + "/canary", "a")
fails(open, folder + "/new", "w")
fails(open, "/etc/shadow")
for what in sys.argv[2:]:
    fails(open, what)
    fails(open, what, "a")
    fails(os.rename, what, "moved")
    fails(os.link, what, "linked")
    fails(os.unlink, what)
    fails(os.rename, os.path.dirname(what), "elsewhere")
fails(socket.socket, socket.AF_INET)
fails(socket.socket, socket.AF_UNIX)
if os.getppid() > 1:
    fails(os.kill, os.getppid(), 0)
print("fenced")
"""
_COVERS = {
    Mechanism.NAMESPACES: (
        "only the workspace and the system's programs exist, these read-only",
        "no interfaces, no sockets",
        "no other process exists; all end together",
    ),
    Mechanism.BUBBLEWRAP: (
        "only the workspace and the system's programs exist, these read-only",
        "no interfaces, no sockets",
        "no other process exists; all end together",
    ),
    Mechanism.LANDLOCK: (
        "other files cannot be opened, changed or removed, but their names and sizes can be seen; "
        "secrets in the workspace cannot be hidden from commands",
        "no sockets",
        "others cannot be signalled or traced; all end together; chmod and setsid are closed",
    ),
    Mechanism.SANDBOX_EXEC: (
        "other files cannot be opened, changed or removed, but their names and sizes can be seen",
        "no sockets",
        "others cannot be signalled; one that leaves its group may live on, fenced in",
    ),
}


@dataclass(frozen=True, slots=True)
class Report:
    """Which mechanism works here (None: none, nothing will be run) and what it covers.

    `refused` says for the stronger ones why they do not work: (mechanism, reason).
    """

    mechanism: Mechanism | None
    filesystem: str
    network: str
    processes: str
    refused: tuple[tuple[Mechanism, str], ...]


_reports: dict[tuple[Mechanism, ...], Report] = {}


async def report(among: Sequence[Mechanism] = tuple(Mechanism)) -> Report:
    """Tries the mechanisms, the strongest first, up to one that holds; remembers the result."""
    key = tuple(among)
    if key not in _reports:
        _reports[key] = await _try_all(key)
    return _reports[key]


async def find(among: Sequence[Mechanism] = tuple(Mechanism)) -> Sandbox:
    """The strongest sandbox that works here. Raises SandboxUnavailable with every reason."""
    found = await report(among)
    if found.mechanism is None:
        reasons = "; ".join(f"{mechanism}: {why}" for mechanism, why in found.refused)
        raise SandboxUnavailable("sandbox", reasons)
    return Sandbox(found.mechanism)


async def _try_all(among: Sequence[Mechanism]) -> Report:
    refused: list[tuple[Mechanism, str]] = []
    for mechanism in among:
        why = _impossible(mechanism) or await _trial(mechanism)
        if why is None:
            return Report(mechanism, *_COVERS[mechanism], tuple(refused))
        refused.append((mechanism, why))
    nothing = "nothing is fenced in, so nothing is run"
    return Report(None, nothing, nothing, nothing, tuple(refused))


def _impossible(mechanism: Mechanism) -> str | None:
    """Why a mechanism need not be tried, or None."""
    import shutil

    if sys.platform == "win32":
        return "there is none for Windows yet; WSL has them"
    if (mechanism is Mechanism.SANDBOX_EXEC) != (sys.platform == "darwin"):
        return "it belongs to another system"
    if sys.platform != "linux":
        return None
    from . import landlock, seccomp

    if not seccomp.supported():
        return "there is no filter of system calls for this processor"
    if mechanism is Mechanism.BUBBLEWRAP and not shutil.which("bwrap"):
        return "bwrap is not installed"
    if mechanism is Mechanism.LANDLOCK and (version := landlock.abi()) < 3:
        return f"the kernel has version {version} of Landlock, 3 is needed (Linux 6.2)"
    return None


async def _trial(mechanism: Mechanism) -> str | None:
    """Runs a program that tries to get out: None if it could not, else what went wrong."""
    program, needs = system.interpreter()
    with tempfile.TemporaryDirectory(prefix="local-swarm-") as outside:
        folder = await asyncio.to_thread(lambda: Path(outside).resolve())
        inside, beside = folder / "inside", folder / "beside"
        inside.mkdir()
        beside.mkdir()
        (beside / "canary").write_text("secret")
        sandbox = Sandbox(mechanism)
        (inside / "deep").mkdir()
        hidden = (inside / "deep" / "canary",) if sandbox.hides else ()
        for each in hidden:
            each.write_text("secret")
        policy = Policy(inside, readable=needs, limits=Limits(seconds=10), hidden=hidden)
        command = [str(program), "-I", "-S", "-c", _TRIAL, str(beside)]
        command += [f"deep/{each.name}" for each in hidden]
        try:
            outcome = await sandbox.run(command, policy)
        except SwarmError as error:
            return error.message
    if outcome.ok and outcome.stdout == b"fenced\n":
        return None
    last = outcome.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return f"its trial failed ({outcome.ended}): {' '.join(last)}"
