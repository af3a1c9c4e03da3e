"""Running a command: in a sandbox, or where a person insists, without."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

from ..errors import ToolError
from . import system
from .arguments import Says
from .base import Call, Kind, Risk, TypedTool
from .hidden import Secrets, secrets_of
from .policy import Ended, Limits, MiB, Outcome, Policy
from .repository import guarded
from .result import LARGEST, result
from .sandbox import Unfenced
from .visible import on_one_line, unmistakable
from .workspace import Workspace

DEFAULT_S, LONGEST_S = 30, 120
_LONGEST = 100_000  # characters: the kernel takes 128 KiB for one argument


class Runs(Protocol):
    """A sandbox, or what stands in for one. `hides`: it can hide files of the workspace."""

    @property
    def hides(self) -> bool: ...

    async def run(self, command: Sequence[str], policy: Policy) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class ExecuteBashCall(Call):
    command: str
    timeout_s: Annotated[int, Says(least=1, most=LONGEST_S)] = DEFAULT_S


@dataclass(frozen=True, slots=True)
class ExecuteBash(TypedTool[ExecuteBashCall]):
    """`network` opens the network to commands; a sandbox has none else. `secrets` lets them read
    files of the workspace that may hold secrets; else these are hidden from them."""

    runs: Runs
    network: bool = False
    secrets: bool = False
    _known: set[str] = field(default_factory=set, compare=False, repr=False)

    name = "execute_bash"
    description = "Run a command in the workspace, without input. Its output comes back."
    changes = True
    arguments = ExecuteBashCall

    def risk(self, call: ExecuteBashCall, workspace: Workspace) -> Risk:
        _checked(call.command)
        where = "without a sandbox" if isinstance(self.runs, Unfenced) else "in a sandbox"
        what = f"runs a command {where}{' with network' * self.network}"
        if workspace.own and not (self.runs.hides or isinstance(self.runs, Unfenced)):
            place = workspace.own[0].relative_to(workspace.root)
            raise ToolError(
                f"Local Swarm itself lies in the workspace ({place}), and this sandbox cannot keep "
                "it from being changed: no command is run here.",
                hint="Install it elsewhere, or work in another folder.",
            )
        found = self._found(workspace)
        if found.names_only:
            what += "; there are too many files to look for keys in all of them"
        if not found.paths:
            return Risk(Kind.COMMAND, what)
        if self._hides(found):
            return Risk(Kind.COMMAND, f"{what}, which cannot read {found}")
        may = f"{what}, WHICH CAN READ {found}: they may hold secrets"
        if self.secrets or isinstance(self.runs, Unfenced):  # a person said so before
            return Risk(Kind.COMMAND, may, exposes=True)
        why = (
            "they are too many to be hidden" if self.runs.hides else "this sandbox cannot hide them"
        )
        return Risk(Kind.SECRET, f"{may}, and {why}", exposes=True)

    def _found(self, workspace: Workspace) -> Secrets:
        # What was a secret stays one, though a command removes the link that said so.
        found = secrets_of(workspace.fence, self._known)
        self._known.update(found.paths)
        return found

    def _hides(self, found: Secrets) -> bool:
        return self.runs.hides and not self.secrets and not found.too_many

    def preview(self, call: ExecuteBashCall, workspace: Workspace) -> str:
        command = unmistakable(_checked(call.command)).replace("\n", "\n  ")
        where = [f"in {workspace.root}"]
        if call.timeout_s != DEFAULT_S:
            where.append(f"for at most {call.timeout_s} s")
        if isinstance(self.runs, Unfenced):
            where.append("WITHOUT A SANDBOX: it may do all that you may do")
        elif self.network:
            where.append("with network")
        return f"$ {command}\n({', '.join(where)})\n"

    async def run(self, call: ExecuteBashCall, workspace: Workspace) -> str:
        # one stream, in the order in which it is written
        script = f"exec 2>&1\n{_checked(call.command)}"
        found = await asyncio.to_thread(self._found, workspace)
        hidden = found if self._hides(found) else Secrets()
        async with guarded(workspace.fence) as notes:
            policy = self._policy(call, workspace, hidden)
            outcome = await self.runs.run([*_shell(), script], policy)
        if hidden.paths and not outcome.ok:
            notes = [f"[commands cannot read {on_one_line(str(hidden))}: secrets]", *notes]
        return result("\n".join([_told(outcome, call), *notes]), LARGEST + 2048)

    def _policy(self, call: ExecuteBashCall, workspace: Workspace, hidden: Secrets) -> Policy:
        limits = Limits(
            seconds=call.timeout_s,
            cpu_seconds=4 * call.timeout_s,
            memory=2048 * MiB,
            address_space=64 * 1024 * MiB,  # what programs reserve; `memory` is what they get
            processes=128,
            output=LARGEST,
        )
        # the Python that we run on, after the system's own
        program, needs = system.interpreter()
        path = {"PATH": f"{system.PATH}:{program.parent}"}
        paths = tuple(workspace.root / each for each in hidden.paths)
        fixed = workspace.own if self.runs.hides else ()
        return Policy(workspace.root, needs, self.network, path, limits, paths, fixed)


def _checked(command: str) -> str:
    if not command.strip():
        raise ToolError("The command is empty.")
    if "\0" in command:
        raise ToolError("The command has a NUL.")
    if len(command) > _LONGEST:
        raise ToolError(f"The command is longer than {_LONGEST} characters.")
    return command


def _shell() -> list[str]:
    for bash in ("/bin/bash", "/usr/bin/bash", "/run/current-system/sw/bin/bash"):
        if Path(bash).exists():
            return [bash, "--noprofile", "--norc", "-c"]
    return ["/bin/sh", "-c"]


def _told(outcome: Outcome, call: ExecuteBashCall) -> str:
    output = (outcome.stdout + outcome.stderr).decode("utf-8", "replace").rstrip()
    reasons = {
        Ended.TIME: f"it was ended after {call.timeout_s} s (timeout_s can be up to {LONGEST_S})",
        Ended.MEMORY: "it was ended because it took too much memory",
        Ended.PROCESSES: "it was ended because it started too many processes",
        Ended.OUTPUT: "it was ended because it wrote too much",
    }
    if outcome.ended is not Ended.EXIT:
        return f"error: {reasons[outcome.ended]}\n{output}".rstrip()
    if outcome.status == 0:
        return output or "ok"
    return f"{_status(outcome.status)}\n{output}".rstrip()


def _status(status: int | None) -> str:
    if status is not None and status < 0:
        try:
            return f"error: it was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"error: it was ended by signal {-status}"
    return f"exit status {status}"
