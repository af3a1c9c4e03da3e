"""`chat` and `top` as programs, against a real node."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import SUM, Running

CHAT = [sys.executable, "-m", "local_swarm", "chat"]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LOCAL_SWARM_HOME": str(tmp_path), "TERM": "dumb"}


def talk(node: Running, tmp_path: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHAT, "--url", node.url], input="\n".join(lines) + "\n", env=environment(tmp_path),
        capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
    )  # fmt: skip


def test_a_conversation_with_verdicts(node: Running, tmp_path: Path) -> None:
    half = SUM.split(" Sam buys")
    lines = ("hello", f"{half[0]}\\", f" Sam buys{half[1]}", "/explain", "/save talk.md", "/exit")
    done = talk(node, tmp_path, *lines)
    assert done.returncode == 0 and done.stderr == ""
    assert "Answer: 21" in done.stdout and "[majority, 100%" in done.stdout
    assert "compared as number" in done.stdout
    saved = (tmp_path / "talk.md").read_text()
    assert saved.startswith("**user**: hello") and "Answer: 21" in saved


def test_one_seat_streams_without_a_vote(node: Running, tmp_path: Path) -> None:
    done = talk(node, tmp_path, "/seats 1", SUM)
    assert "Answer: 21" in done.stdout and "majority" not in done.stdout


@pytest.mark.parametrize("line, told", [
    ("/seats many", "a number from 1 to 64"), ("/strategy best", "no strategy 'best'"),
    ("/dance", "no command /dance"), ("/explain", "no answer yet"), ("/save", "Where to?"),
    ("word " * 700, "maximum context length"), ("/save /nowhere/x", "cannot be written"),
])  # fmt: skip
def test_mistakes_are_told_and_the_talk_goes_on(
    node: Running, tmp_path: Path, line: str, told: str
) -> None:
    done = talk(node, tmp_path, line, "hello")
    assert told in done.stdout and done.returncode == 0
    assert "[" in done.stdout.split(told)[1]  # the next question was answered


def test_no_node_at_an_address(tmp_path: Path) -> None:
    command = [*CHAT, "--url", "http://127.0.0.1:9"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, env=environment(tmp_path), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "No node answers" in done.stderr


def test_ctrl_c_stops_the_answer_and_not_the_talk(slow: Running, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [*CHAT, "--url", slow.url], stdin=theirs, stdout=subprocess.PIPE, text=True,
        env=environment(tmp_path), start_new_session=True,
    )  # fmt: skip
    try:
        os.write(ours, b"tell me a long story\n")
        deadline = time.monotonic() + 30
        while slow.node.status().engines[0].slots_busy == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        while slow.node.status().engines[0].slots_busy:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.write(ours, b"/exit\n")
        out, _ = program.communicate(timeout=30)
    finally:
        program.kill()
        program.wait()
        os.close(ours)
        os.close(theirs)
    assert "stopped" in out and program.returncode == 0


def test_top_shows_the_node(node: Running, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_swarm", "top", "--url", node.url]
    done = subprocess.run(
        command, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=True
    )
    assert node.url in done.stdout and "seats" in done.stdout and "0 of 10" in done.stdout
    done = subprocess.run(
        [*command, "--json"], env=environment(tmp_path), capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["state"] == "ok"
