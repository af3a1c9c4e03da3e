"""The files by which a system starts the node at login: a systemd user unit, a launchd agent.

Pure text, made and checked here; `cli/service.py` writes them and asks the system to use them.
Sources: systemd.service(5), systemd.syntax(7), launchd.plist(5).
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from .errors import UsageError

NAME = "local-swarm"
LABEL = "org.local-swarm.node"


def unit(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """A systemd user unit that runs `command`. Raises UsageError for what it cannot say."""
    lines = [
        "[Unit]",
        "Description=Local Swarm: several workers answer, and vote",
        "",
        "[Service]",
        "ExecStart=" + " ".join(quoted(word) for word in command),
        *(f"Environment={quoted(f'{name}={value}', '$')}" for name, value in environment.items()),
        "Restart=on-failure",
        "RestartSec=5",
        "TimeoutStopSec=15",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def quoted(word: str, plain: str = "") -> str:
    """`word` as systemd reads it back: quotes, backslashes, specifiers and variables escaped, but
    for the characters in `plain`. Raises UsageError for a control character."""
    if any(ord(letter) < 32 for letter in word):
        raise UsageError(f"{word!r} cannot stand in a unit file.", hint="Leave line breaks out.")
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if "$" not in plain:
        text = text.replace("$", "$$")
    return text if re.fullmatch(r"[\w@%+=:,./$-]+", text, re.ASCII) else f'"{text}"'


def unit_fault(text: str) -> str | None:
    """What is wrong with a unit file of ours; None if nothing is."""
    parser = ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except ConfigError as error:
        return str(error).splitlines()[0]
    for section in ("Unit", "Service", "Install"):
        if not parser.has_section(section):
            return f"it has no section {section}"
    start = re.match(r'"((?:[^"\\]|\\.)*)"|(\S+)', parser.get("Service", "ExecStart", fallback=""))
    if start is None:
        return "it starts nothing"
    program = re.sub(r"\\(.)", r"\1", start[1] or start[2]).replace("%%", "%").replace("$$", "$")
    if not Path(program).is_file():
        return f"there is no program {program}"
    return None


def agent(command: Sequence[str], environment: Mapping[str, str], log: Path) -> str:
    """A launchd agent that runs `command`; what it prints goes to `log`."""
    facts = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "EnvironmentVariables": dict(environment),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Interactive",
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
    }
    try:
        return plistlib.dumps(facts).decode()
    except (ValueError, TypeError):
        raise UsageError("A control character cannot stand in a plist.") from None


def agent_fault(text: str) -> str | None:
    """What is wrong with a launchd agent of ours; None if nothing is."""
    try:
        facts = plistlib.loads(text.encode())
    except Exception as error:  # plistlib lets the XML parser's own errors through
        return f"it is no plist ({error})"
    arguments = facts.get("ProgramArguments") if isinstance(facts, dict) else None
    if not arguments or facts.get("Label") != LABEL:
        return "it starts nothing"
    if not Path(arguments[0]).is_file():
        return f"there is no program {arguments[0]}"
    return None
