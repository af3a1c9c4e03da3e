"""The command line as a user meets it, by real processes, without network and without a node."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from local_swarm import __version__
from local_swarm.cli.app import app
from local_swarm.models.store import demo_path

COMMANDS = sorted(getattr(typer.main.get_command(app), "commands"))  # noqa: B009
Swarm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that is taken, but where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def swarm(tmp_path: Path, silent: int) -> Swarm:
    """Runs `local-swarm` with an empty home, a dead hub, and no node to be found."""
    ours = ("LOCAL_SWARM_", "XDG_", "HF_", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = kept | {
        "HOME": str(tmp_path),
        "HF_ENDPOINT": f"http://127.0.0.1:{silent}",
        "LOCAL_SWARM_PORT": str(silent),
    }

    def run(*words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local_swarm", *words],
            input=stdin,
            env=environment | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def complaint(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line that says what is wrong."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    assert len([line for line in lines if not line.startswith(("Usage:", "Try ")) and line]) == 1
    return lines[-1]


def test_there_are_the_commands_that_the_readme_promises() -> None:
    assert set(COMMANDS) >= {"run", "ask", "status", "stop", "version"}


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(swarm: Swarm, command: list[str], flag: str) -> None:
    done = swarm(*command, flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert " ".join(["Usage: python -m local_swarm", *command]) in done.stdout
    assert "--help" in done.stdout


def test_no_command_shows_the_help(swarm: Swarm) -> None:
    done = swarm()
    assert done.returncode == 2
    assert all(f"\n  {name} " in done.stdout + done.stderr for name in COMMANDS)


def test_version(swarm: Swarm) -> None:
    done = swarm("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"local-swarm {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("frobnicate", "frobnicate"),
        ("run --frobnicate", "--frobnicate"),
        ("run --demo --seats 0", "0 seats"),
        ("run --demo --seats 10000", "10000 seats"),
        ("run --demo --seats some", "--seats"),
        ("run --demo --context 5", "context of 5 "),
        ("run --demo --port 99999", "--port"),
        ("run --demo --port -1", "--port"),
        ("run --demo --strategy nonsense", "majority"),
        ("run --demo --host 0.0.0.0", "--api-key"),
        ("run --demo --host :: --port 0", "--api-key"),
        ("run --demo --host 256.0.0.1 --api-key k --port 0", "256.0.0.1"),
        ("run gpt-9", "local-swarm models"),
        ("run missing.gguf", "no model file missing.gguf"),
        ("run ./folder/", "folder"),
        ("run truncated.gguf", "truncated"),
        ("run header.gguf", "truncated"),
        ("run text.gguf", "no GGUF"),
        ("run empty.gguf", "no GGUF"),
        ("run hf:owner", "hf:owner/repo:quant"),
        ("ask", "empty"),
        ("ask -", "empty"),
        ("ask --seats 0 hello", "0 seats"),
        ("ask --seats 65 hello", "65 seats"),
    ],
)
def test_impossible_wishes_are_usage_errors(
    swarm: Swarm, tmp_path: Path, words: str, told: str
) -> None:
    if words.endswith(("gguf", "/")):
        whole = demo_path().read_bytes()
        (tmp_path / "truncated.gguf").write_bytes(whole[:-1000])
        (tmp_path / "header.gguf").write_bytes(whole[:1000])
        (tmp_path / "text.gguf").write_text("This is a text.")
        (tmp_path / "empty.gguf").write_bytes(b"")
        (tmp_path / "folder").mkdir()
    free = ["--port", "0"] if words.startswith("run") and "--port" not in words else []
    done = swarm(*words.split(), *free)
    if words.startswith("ask --seats"):  # a note says that a node is started for the question
        note, _, error = done.stderr.partition("\n")
        assert "No node is running" in note
        done.stderr = error
    assert told in complaint(done, 2)


@pytest.mark.parametrize("question", ["", " \n\t"])
def test_an_empty_question(swarm: Swarm, question: str) -> None:
    assert "empty" in complaint(swarm("ask", question), 2)
    assert "empty" in complaint(swarm("ask", stdin=question), 2)


def test_without_a_node(swarm: Swarm, silent: int) -> None:
    done = swarm("status")
    assert (done.returncode, done.stderr) == (1, "")
    assert str(silent) in done.stdout and "local-swarm run" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    done = swarm("status", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"state": "stopped", "url": f"http://127.0.0.1:{silent}"}
    done = swarm("stop")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No node is running.\n", "")
    url = f"http://127.0.0.1:{silent}"
    assert url in complaint(swarm("ask", "--url", url, "hello"), 1)


def test_a_model_that_needs_the_network_is_no_usage_error(swarm: Swarm) -> None:
    for name in ("hf:owner/repo", "qwen2.5-0.5b"):
        assert "hub does not answer" in complaint(swarm("run", "--port", "0", name), 1)
    told = complaint(swarm("run", "--port", "0", "hf:owner/repo", HF_HUB_OFFLINE="1"), 1)
    assert "HF_HUB_OFFLINE" in told


def test_a_taken_port_is_named(swarm: Swarm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert f"Port {port}" in complaint(swarm("run", "--demo", "--port", port), 1)
        assert f"Port {port}" in complaint(swarm("run", "--demo", LOCAL_SWARM_PORT=port), 1)


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ("run ~nobody-of-that-name/x.gguf --port 0", {}),
        ("status --api-key schlüssel", {}),
        ("run hf:owner/repo --port 0", {"ALL_PROXY": "socks5://127.0.0.1:9"}),
    ],
)
def test_no_traceback(swarm: Swarm, words: str, variables: dict[str, str]) -> None:
    assert "Traceback" not in swarm(*words.split(), **variables).stderr


def test_nothing_is_left_in_the_home_of_a_failed_start(swarm: Swarm, tmp_path: Path) -> None:
    swarm("run", "gpt-9")
    swarm("status")
    assert not list(tmp_path.rglob("*.json"))
