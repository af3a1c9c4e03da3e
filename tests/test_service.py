"""`local-swarm service`: the files that systemd and launchd read, and what is asked of them."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import UsageError
from local_swarm.service import agent, agent_fault, quoted, unit, unit_fault

COMMAND = [sys.executable, "-m", "local_swarm", "run", "qwen", "--seats", "5"]
words = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=30)


def read_back(text: str) -> list[str]:
    """The words of a command line, by the rules of systemd.syntax(7)."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text)
    plain = [bare or re.sub(r"\\(.)", r"\1", inside) for inside, bare in found]
    return [word.replace("%%", "%").replace("$$", "$") for word in plain]


@given(st.lists(words.filter(str.strip), min_size=1, max_size=5))
def test_every_word_reaches_the_program_as_it_was(arguments: list[str]) -> None:
    line = " ".join(quoted(word) for word in arguments)
    assert "\n" not in line and read_back(line) == arguments


@pytest.mark.parametrize("word", ["two\nlines", "a\x00b", "\x1b[0m"])
def test_a_control_character_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        unit([sys.executable, word], {})


def test_a_unit_is_sound_and_starts_us() -> None:
    made = unit(COMMAND, {"LOCAL_SWARM_HOME": "/a folder/100%"})
    assert unit_fault(made) is None
    assert f"ExecStart={sys.executable} -m local_swarm run qwen --seats 5\n" in made
    assert 'Environment="LOCAL_SWARM_HOME=/a folder/100%%"\n' in made


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "local-swarm.service"
    file.write_text(unit([*COMMAND, "a b", 'x%y$z"q\\w'], {"A": "b c"}))
    verify = ["systemd-analyze", "--user", "verify", str(file)]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(verify, capture_output=True, text=True, env=environment)
    if "initialize manager" in done.stderr:
        pytest.skip("systemd-analyze does not work here")
    assert (done.returncode, done.stderr) == (0, "")
    file.write_text(file.read_text().replace("ExecStart=", "ExecStrt="))
    done = subprocess.run(verify, capture_output=True, text=True, env=environment)
    assert done.returncode != 0 and file.name in done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[Service]", "[Servce]"), "no section Service"),
        ((f"ExecStart={sys.executable}", "ExecStart=/no/such/python"), "/no/such/python"),
        (("ExecStart", "Exec"), "starts nothing"),
        (("[Unit]\n", ""), "no section"),
    ],
)
def test_a_broken_unit_is_told(change: tuple[str, str], told: str) -> None:
    assert told in (unit_fault(unit(COMMAND, {}).replace(*change)) or "")


def test_an_agent_is_sound_and_starts_us(tmp_path: Path) -> None:
    made = agent(COMMAND, {"LOCAL_SWARM_HOME": "/ö & <b>"}, tmp_path / "log")
    assert agent_fault(made) is None
    facts = plistlib.loads(made.encode())
    assert facts["ProgramArguments"] == COMMAND and facts["RunAtLoad"] is True
    assert facts["EnvironmentVariables"] == {"LOCAL_SWARM_HOME": "/ö & <b>"}


@pytest.mark.parametrize("text", ["", "<plist>", "<plist><dict/></plist>", "no xml"])
def test_a_broken_agent_is_told(text: str) -> None:
    assert agent_fault(text)


def test_an_agent_for_a_program_that_is_gone_is_told(tmp_path: Path) -> None:
    assert "/gone" in (agent_fault(agent(["/gone"], {}, tmp_path)) or "")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A home, and a systemctl that writes down what it is asked and says what `answer` says."""
    tools = tmp_path / "tools"
    tools.mkdir()
    script = '#!/bin/sh\necho "$@" >>"$HOME/asked"\n[ ! -f "$HOME/answer" ] || . "$HOME/answer"\n'
    (tools / "systemctl").write_text(script)
    (tools / "systemctl").chmod(0o755)
    return tmp_path


def service(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": f"{home / 'tools'}:/bin"}
    return subprocess.run(
        [sys.executable, "-m", "local_swarm", "service", *arguments],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is for Linux")
def test_install_status_and_uninstall(system: Path) -> None:
    file = system / ".config" / "systemd" / "user" / "local-swarm.service"
    assert service(system, "status").returncode == 1
    dry = service(system, "install", "--dry-run", "--", "--demo")
    assert dry.returncode == 0 and "ExecStart=" in dry.stdout and not file.exists()
    done = service(system, "install", "--", "--demo", "--port", "1")
    assert done.returncode == 0, done.stderr
    assert "run --demo --port 1\n" in file.read_text() and file.stat().st_mode & 0o77 == 0
    assert "--user enable --now local-swarm" in (system / "asked").read_text()
    assert "runs" in service(system, "status").stdout
    (system / "answer").write_text("echo inactive; exit 3\n")
    assert service(system, "status").returncode == 1
    assert service(system, "uninstall").returncode == 0 and not file.exists()
    assert "--user disable --now local-swarm" in (system / "asked").read_text()
    assert "no service" in service(system, "uninstall").stdout


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is for Linux")
def test_a_system_that_refuses_is_quoted(system: Path) -> None:
    (system / "answer").write_text("echo 'Failed to connect to bus' >&2; exit 1\n")
    done = service(system, "install")
    assert done.returncode == 1 and "Failed to connect to bus" in done.stderr
    assert "Traceback" not in done.stderr
