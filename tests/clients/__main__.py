"""Runs real clients against real nodes, and prints a table.

    scripts/clients [NAME ...] [--json] [--verbose]

Each program is installed under .cache/clients on first use, starts with an empty home and is set up
by `local-swarm connect NAME`. Libraries ask the bundled model a sum. Agents, whose prompts no small
model could carry, meet the whole API with a vote of three seats over a scripted engine: they are
asked for a word, and for a file that they have to write by a call of their own tools. A program
that cannot be installed, or has no terminal, is named with the reason. Exit code 1 when one that
runs fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from .engine import ASK_FILE, ASK_WORD, CONTENT, FILE, SUM, WORD
from .node import Running, demo, running
from .programs import ELSEWHERE, PROGRAMS, Program

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "clients"
_LIMIT_S = 240


@dataclass(slots=True)
class Outcome:
    """What one program did. `word` and `file` are None where it was not asked."""

    name: str
    version: str = ""
    word: bool | None = None
    file: bool | None = None
    requests: int = 0
    prompt_tokens: int = 0
    seconds: float = 0.0
    why: str = ""


def main() -> int:
    """Runs what was asked for."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("name", nargs="*", help="parts of the names; without any, all")
    options.add_argument("--json", action="store_true", help="print JSON")
    options.add_argument("--verbose", action="store_true", help="show what the programs say")
    asked = options.parse_args()

    def named(name: str) -> bool:
        return not asked.name or any(part.lower() in name.lower() for part in asked.name)

    wanted = [program for program in PROGRAMS if named(program.name)]
    outcomes = []
    with ExitStack() as stack:
        node = stack.enter_context(running())
        small = any(program.demo for program in wanted)
        demo_url = stack.enter_context(demo()) if small else ""
        for program in wanted:
            url = demo_url if program.demo else node.url
            outcome = tried(program, node, url, verbose=asked.verbose)
            outcomes.append(outcome)
            if not asked.json:
                print(_line(outcome), flush=True)
    for name, why in ELSEWHERE.items():
        if named(name):
            outcomes.append(Outcome(name, why=f"not tried: {why}"))
            if not asked.json:
                print(_line(outcomes[-1]))
    if asked.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes]))
    return int(any(outcome.word is False or outcome.file is False for outcome in outcomes))


def tried(program: Program, node: Running, url: str, *, verbose: bool) -> Outcome:
    """Installs, sets up and asks `program`."""
    outcome = Outcome(program.name)
    try:
        folder, outcome.version = installed(program)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        outcome.why = "not installed: " + (said.strip().splitlines() or ["?"])[-1][:120]
        return outcome
    with tempfile.TemporaryDirectory() as place:
        home, work = Path(place, "home"), Path(place, "work")
        home.mkdir()
        work.mkdir()
        environment = _environment(program, folder, home)
        started = time.monotonic()
        try:
            _set_up(program, url, environment, work)
            question, word = (SUM, "42") if program.demo else (ASK_WORD, WORD)
            said = _ask(program, question, environment, home, work)
            outcome.word = word in said
            if program.files:
                said += _ask(program, ASK_FILE, environment, home, work)
                made = work / FILE
                outcome.file = made.is_file() and made.read_text().strip() == CONTENT
        except subprocess.SubprocessError as error:
            outcome.why, said = f"{type(error).__name__}: {str(error)[:100]}", str(error)
            outcome.word = bool(outcome.word)
        outcome.seconds = round(time.monotonic() - started, 1)
    seen = node.take()
    outcome.requests = len(seen)
    outcome.prompt_tokens = max((len(str(r.messages) + str(r.tools)) // 4 for r in seen), default=0)
    if verbose:
        print(said)
    return outcome


def installed(program: Program) -> tuple[Path, str]:
    """The folder of its command, and its version; installs it where it is missing."""
    home = _CACHE / program.package.replace("/", "_")
    if program.source == "npm":
        folder = home / "node_modules" / ".bin"
        if not (home / "node_modules" / program.package).exists():
            quiet = ["--silent", "--no-audit", "--no-fund", "--no-save"]
            _install("npm", "install", *quiet, "--prefix", str(home), program.package)
        told = json.loads((home / "node_modules" / program.package / "package.json").read_text())
        return folder, str(told["version"])
    folder = home / "bin"
    if not (home / "installed").exists():
        _install(sys.executable, "-m", "venv", str(home))
        _install(str(folder / "pip"), "install", "--quiet", program.package)
        (home / "installed").touch()
    shown = _install(str(folder / "pip"), "show", program.package)
    lines = [line for line in shown.splitlines() if line.startswith("Version: ")]
    return folder, lines[0].removeprefix("Version: ")


def _install(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=900).stdout


def _environment(program: Program, folder: Path, home: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TERM": "dumb",
        "NO_COLOR": "1",
        "LANG": "C.UTF-8",
        **program.environment,
    }


def _set_up(program: Program, url: str, environment: dict[str, str], work: Path) -> None:
    swarm = [sys.executable, "-m", "local_swarm", "connect"]
    if program.connect:
        write = [program.connect, "--write", "--yes", "--url", url]
        _run([*swarm, *write], environment, work, check=True)
    if program.setup:
        _run([part.format(url=url) for part in program.setup], environment, work, check=True)
    if program.demo and not program.connect:
        printed = subprocess.run(
            [*swarm, program.name, "--url", url], env=environment, cwd=work, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=_LIMIT_S,
        )  # fmt: skip
        for ending in ("py", "mjs"):
            (work / f"snippet.{ending}").write_text(printed.stdout)
        if program.source == "npm":
            (work / "node_modules").symlink_to(_CACHE / program.package / "node_modules")


def _ask(
    program: Program, question: str, environment: dict[str, str], home: Path, work: Path
) -> str:
    told = {"{home}": str(home), "{snippet}": str(work / "snippet")}
    command = list(program.ask(question))
    for mark, value in told.items():
        command = [part.replace(mark, value) for part in command]
    return _run(command, environment, work)


def _run(
    command: list[str], environment: dict[str, str], work: Path, *, check: bool = False
) -> str:
    """What it printed."""
    found = subprocess.run(
        command, env=environment, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", timeout=_LIMIT_S, check=check,
    )  # fmt: skip
    return found.stdout


def _line(of: Outcome) -> str:
    def told(well: bool | None) -> str:
        return "-" if well is None else "ok" if well else "FAILED"

    return (
        f"{of.name:15}{of.version:12}word {told(of.word):8}file {told(of.file):8}"
        f"{of.requests:3} requests, up to {of.prompt_tokens:6} tokens, "
        f"{of.seconds:6.1f} s  {of.why}"
    )


if __name__ == "__main__":
    sys.exit(main())
