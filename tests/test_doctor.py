"""`local-swarm doctor` and its stages: what is right, what is wrong, and one line of advice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_swarm.cli.doctor import _engine
from local_swarm.diagnose import engine, fence, machine, places
from local_swarm.diagnose.check import Check, Stage, State, examine, healthy
from local_swarm.engines import LIBRARY, PROGRAM, Kind
from local_swarm.errors import FetchError
from local_swarm.hardware.detect import detect
from local_swarm.hardware.profile import Device
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from .conftest import settings_in


def all_of(stage: Stage, name: str = "stage") -> list[Check]:
    """The findings of one stage."""

    async def collect() -> list[Check]:
        return [check async for check in examine([(name, stage)])]

    return asyncio.run(collect())


def one(stage: Stage) -> Check:
    (check,) = all_of(stage)
    assert check.state in (State.OK, State.SKIP) or check.advice
    return check


def test_a_stage_that_breaks_has_failed_and_the_next_is_asked() -> None:
    async def known() -> AsyncIterator[Check]:
        yield Check("first", State.OK, "so far so good")
        raise FetchError("There is no cable.", hint="Plug it in.")

    async def fault() -> AsyncIterator[Check]:
        raise ZeroDivisionError("by zero")
        yield

    async def collect() -> list[Check]:
        return [check async for check in examine([("a", known), ("b", fault)])]

    found = asyncio.run(collect())
    assert found[1] == Check("a", State.FAIL, "There is no cable.", "Plug it in.")
    assert found[2].name == "b" and "ZeroDivisionError" in found[2].detail
    assert healthy(found[:1]) and not healthy(found)


def test_an_old_processor_is_a_warning_that_names_what_it_lacks() -> None:
    old = replace(detect(), arch="x86_64", cpu="Core 2", instructions=("sse4.2",))
    found = one(partial(machine.processor, old))
    assert found.state is State.WARN and "AVX2" in found.detail
    arm = replace(old, arch="aarch64", instructions=("neon",))
    assert one(partial(machine.processor, arm)).state is State.OK


def test_little_memory_is_a_warning() -> None:
    small = replace(detect(), memory_total=2 << 30, memory_available=600 << 20)
    assert one(partial(machine.memory, small)).state is State.WARN


def test_graphics_that_the_engine_cannot_use_are_a_warning() -> None:
    card = Device("nvidia", "RTX 4090", 24 << 30, 23 << 30, unified=False, dedicated=24 << 30)
    profile = replace(detect(), devices=(card,))
    assert one(partial(machine.graphics, profile, "RTX 4090 found, but")).state is State.WARN
    assert one(partial(machine.graphics, profile, None)) == Check("graphics", State.OK, "RTX 4090")


def test_the_engines_are_told_with_what_speaks_against_them() -> None:
    known = [("llama.cpp", "it needs AVX2"), ("llama-server", None)]
    found = one(partial(engine.kinds, known))
    assert found.state is State.OK
    assert found.detail == "llama-server (not: llama.cpp: it needs AVX2)"
    assert one(partial(engine.kinds, known[:1])).state is State.FAIL


def test_the_engine_is_imported_and_answers() -> None:
    assert one(partial(engine.importing, clean_environment())).detail.startswith("xllamacpp 20")
    answer = one(partial(engine.starting, clean_environment(), 2))
    assert answer.state is State.OK and "wrote" in answer.detail


@pytest.mark.skipif(os.name == "nt", reason="programs of POSIX")
def test_a_llama_server_answers_where_the_package_is_not_for_here(tmp_path: Path) -> None:
    script = tmp_path / "llama-server"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests._llama_server "$@"\n')
    script.chmod(0o755)
    package, server = Kind(LIBRARY, fault="it needs AVX2"), Kind(PROGRAM, script)
    [(_, absent), (_, answer)] = _engine([package, server], 1)
    found = one(absent)
    assert found.state is State.SKIP and "llama-server serves instead" in found.detail
    assert one(answer).state is State.OK
    assert [name for name, _ in _engine([package], 1)] == ["engine", "answer"]  # and both will fail
    assert len(_engine([package, Kind("mlx")], 1)) == 1


def test_an_engine_that_is_not_there_has_failed(tmp_path: Path) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('libfoo.so is missing')")
    broken = clean_environment() | {"PYTHONPATH": str(tmp_path)}
    found = one(partial(engine.importing, broken))
    assert found.state is State.FAIL and "libfoo.so" in found.detail
    found = one(partial(engine.starting, broken, 1))
    assert found.state is State.FAIL and "libfoo.so" in found.detail


def test_an_engine_for_another_processor_is_told_in_words(tmp_path: Path) -> None:
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    (tmp_path / "xllamacpp.py").write_text(dies)
    found = one(partial(engine.importing, clean_environment() | {"PYTHONPATH": str(tmp_path)}))
    assert found.state is State.FAIL and "instructions" in found.detail and "AVX2" in found.advice


def test_a_sandbox_is_really_tried() -> None:
    found = one(fence.sandbox)
    assert found.state is State.OK or "not run" in found.detail
    assert one(partial(fence.sandbox, ())).state is State.WARN


def test_a_taken_port_has_failed(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = replace(settings_in(tmp_path), port=taken.getsockname()[1])
        found = one(partial(places.port, settings))
    assert found.state is State.FAIL and "--port 0" in found.advice
    assert one(partial(places.port, settings)).state is State.OK


@pytest.mark.parametrize(
    ("free", "state"), [(100 << 20, State.FAIL), (2 << 30, State.WARN), (9 << 30, State.OK)]
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert one(partial(places.disk, settings_in(tmp_path))).state is state


def test_a_place_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    found = all_of(partial(places.disk, settings_in(tmp_path)))
    assert [check.state for check in found if check.name == "models"] == [State.WARN]


def test_damaged_and_begun_files_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "owner--repo"
    folder.mkdir(parents=True)
    whole = demo_path().read_bytes()
    (folder / "whole.gguf").write_bytes(whole)
    assert one(partial(places.files, settings_in(tmp_path))).state is State.OK
    (folder / "cut.gguf").write_bytes(whole[:-1000])
    (folder / "other.partial").write_bytes(b"12")
    found = one(partial(places.files, settings_in(tmp_path)))
    assert found.state is State.WARN
    assert "2 downloaded, 1 begun" in found.detail and "cut.gguf" in found.detail


def test_no_hub_is_a_warning_and_offline_is_not_looked_at(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    found = one(partial(places.hub, settings))
    assert found.state is State.WARN and "--demo" in found.advice
    assert one(partial(places.hub, replace(settings, offline=True))).state is State.SKIP


@pytest.fixture
def doctor(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command with an empty home and a dead hub, on a port that is free."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    ours = ("LOCAL_SWARM_", "XDG_", "HF_", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = kept | {
        "HOME": str(tmp_path),
        "LOCAL_SWARM_PORT": str(port),
        "HF_ENDPOINT": "http://127.0.0.1:9",
    }

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local_swarm", "doctor", *words],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    return run


def test_the_command_says_that_all_is_well(
    doctor: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = doctor("--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    states = {check["name"]: check["state"] for check in found["checks"]}
    assert found["ok"] and states["engine"] == states["answer"] == states["port"] == "ok"


def test_the_command_fails_with_advice(
    doctor: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('no such thing')")
    done = doctor("--lan", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and done.stderr == ""
    assert "fail engine" in done.stdout and "-> Install again: ./install.sh" in done.stdout
    assert "hub" in done.stdout  # what comes after it was looked at too
