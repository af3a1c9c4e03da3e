"""`local-swarm service`: the node starts at login, and again when it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import service
from .. import settings as configuration
from ..errors import SwarmError, UsageError
from ..settings import Settings


@dataclass(frozen=True, slots=True)
class Manager:
    """What starts programs on this system: the file that it reads, what checks that file beside
    ourselves, and the commands that make it start, stop and tell."""

    file: Path
    check: tuple[str, ...]
    start: tuple[tuple[str, ...], ...]
    stop: tuple[tuple[str, ...], ...]
    tell: tuple[str, ...]


def manager() -> Manager:
    """The one of this system. Raises UsageError where there is none that we know."""
    if sys.platform == "darwin":
        domain = f"gui/{os.getuid()}"
        file = Path.home() / "Library" / "LaunchAgents" / f"{service.LABEL}.plist"
        return Manager(
            file,
            ("plutil", "-lint", str(file)),
            (("launchctl", "bootstrap", domain, str(file)),),
            (("launchctl", "bootout", f"{domain}/{service.LABEL}"),),
            ("launchctl", "print", f"{domain}/{service.LABEL}"),
        )
    if sys.platform == "win32":
        raise UsageError(
            "There is no service for Windows yet.",
            hint="Task Scheduler can run `local-swarm run` at logon.",
        )
    from platformdirs import user_config_path

    file = user_config_path() / "systemd" / "user" / f"{service.NAME}.service"
    ours = ("systemctl", "--user")
    return Manager(
        file,
        ("systemd-analyze", "--user", "verify", str(file)),
        ((*ours, "daemon-reload"), (*ours, "enable", "--now", service.NAME)),
        ((*ours, "disable", "--now", service.NAME), (*ours, "daemon-reload")),
        (*ours, "is-active", service.NAME),
    )


def text(settings: Settings, arguments: Sequence[str]) -> str:
    """The file for `local-swarm run ARGUMENTS`. Raises UsageError."""
    command = [sys.executable, "-m", "local_swarm", "run", *arguments]
    home = settings.data if settings.state == settings.data / "state" else None
    environment = {"LOCAL_SWARM_HOME": str(home.absolute())} if home else {}
    if sys.platform == "darwin":
        made = service.agent(command, environment, settings.state.absolute() / "service.log")
        fault = service.agent_fault(made)
    else:
        made = service.unit(command, environment)
        fault = service.unit_fault(made)
    if fault:
        raise SwarmError(f"The service file would not work: {fault}.")
    return made


def install(arguments: list[str], dry: bool) -> None:
    """See services.install."""
    where = manager()
    made = text(configuration.read(), arguments)
    if dry:
        print(f"# {where.file}\n{made}", end="")
        return
    where.file.parent.mkdir(parents=True, exist_ok=True)
    fresh = where.file.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    # An API key may stand in it.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made)
    fresh.replace(where.file)
    print(f"Wrote {where.file}")
    told = _refused(where.check)
    if told and where.file.name in told:  # else the checker itself cannot work here
        where.file.unlink()
        raise SwarmError(f"The system does not take the service file: {told}")
    for command in where.start:
        if told := _refused(command, needed=True):
            raise SwarmError(
                f"`{' '.join(command)}` failed: {told}", hint="The file stays; try it by hand."
            )
    print("The node runs, and starts at every login. Look: local-swarm service status")
    if sys.platform.startswith("linux"):
        print("To run it without a login too: loginctl enable-linger")


def uninstall() -> None:
    """See services.uninstall."""
    where = manager()
    if not where.file.exists():
        print("There is no service.")
        return
    for command in where.stop:
        _refused(command)  # one that does not run need not be stopped
    where.file.unlink()
    print(f"Removed {where.file}")


def status() -> None:
    """See services.status. Exit code 1 where it is not there or does not run."""
    where = manager()
    if not where.file.exists():
        print("There is no service. Make one: local-swarm service install")
        sys.exit(1)
    written = where.file.read_text(encoding="utf-8")
    check = service.agent_fault if where.file.suffix == ".plist" else service.unit_fault
    if fault := check(written):
        print(f"{where.file} does not work: {fault}. Make it anew: local-swarm service install")
        sys.exit(1)
    told = _refused(where.tell, needed=True)
    print(f"{where.file}: {'does not run (' + told + ')' if told else 'runs'}")
    if told:
        sys.exit(1)


def _refused(command: Sequence[str], *, needed: bool = False) -> str | None:
    """What a command of the system complains about; None if it does not, or is not `needed` and
    not there."""
    program = shutil.which(command[0])
    if program is None:
        return f"{command[0]} is not here" if needed else None
    done = subprocess.run(
        [program, *command[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 0:
        return None
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"it ended with {done.returncode}"
