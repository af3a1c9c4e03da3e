"""The runtime file: only its owner reads it, and only a node that lives is found by it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_swarm.wire import runtime
from local_swarm.wire.address import same_place
from local_swarm.wire.runtime import Runtime

OURS = Runtime("http://127.0.0.1:4711", os.getpid(), "secret")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.json"


@pytest.fixture
def other() -> Iterator[int]:
    """The id of another process that runs."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


def test_what_was_written_is_read(path: Path) -> None:
    runtime.write(path, OURS)
    assert runtime.read(path) == OURS
    assert [file.name for file in path.parent.iterdir()] == ["node.json"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_only_the_owner_may_read_it(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{}")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        runtime.write(path, OURS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_left_by_a_crash_while_writing_is_no_hindrance(path: Path) -> None:
    path.parent.mkdir()
    path.with_suffix(f".{OURS.pid}").write_text("half")
    runtime.write(path, OURS)
    assert runtime.read(path) == OURS


def test_no_file_is_no_node(path: Path) -> None:
    assert runtime.read(path) is None
    runtime.remove(path, OURS.pid)


def test_a_dead_process_is_no_node(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    runtime.write(path, Runtime(OURS.url, process.pid, "secret"))
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert runtime.read(path) is None  # dead, but nobody has asked how it ended
    process.wait()
    assert runtime.read(path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"url": "u", "pid": 1}',
        b'{"url": "u", "pid": 1, "token": "t", "more": 1}',
    ],
)
def test_a_damaged_file_is_no_node(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert runtime.read(path) is None
    runtime.remove(path, OURS.pid)
    runtime.write(path, OURS)
    assert runtime.read(path) == OURS


@pytest.mark.parametrize("pid", ["x", -3, 1.5, [], None])
def test_a_process_id_that_is_none_is_no_node(path: Path, pid: object) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"url": "u", "pid": pid, "token": "t"}))
    assert runtime.read(path) is None


def test_a_folder_in_its_place_is_no_node(path: Path) -> None:
    path.mkdir(parents=True)
    assert runtime.read(path) is None


def test_our_entry_is_removed(path: Path) -> None:
    runtime.write(path, OURS)
    runtime.remove(path, OURS.pid)
    assert not path.exists()


def test_the_entry_of_another_node_stays(path: Path, other: int) -> None:
    theirs = Runtime("http://127.0.0.1:4712", other, "theirs")
    runtime.write(path, OURS)
    runtime.write(path, theirs)
    runtime.remove(path, OURS.pid)
    assert runtime.read(path) == theirs


def test_addresses_are_the_same_where_loopback_and_port_are() -> None:
    assert same_place("http://localhost:1/", "http://127.0.0.1:1")
    assert same_place("http://[::1]:1", "http://127.0.0.1:1")
    assert not same_place("http://localhost:1", "http://localhost:2")
    assert not same_place("http://10.0.0.1:1", "http://127.0.0.1:1")
    assert not same_place("http://[", "http://[")
