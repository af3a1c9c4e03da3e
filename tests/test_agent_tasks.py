"""What is kept of tasks: listed, removed, and never so that something is lost unsaid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local_swarm.cli.app import app
from local_swarm.errors import UsageError
from local_swarm.tools import tasks, transcript
from local_swarm.tools.transcript import Transcript

DAY = 86400.0
NOW = 1_800_000_000.0


def kept(
    folder: Path, number: int, workspace: Path, *, days: float = 0, size: int = 0
) -> Transcript:
    """A task that ended `days` ago and left `size` bytes of backups."""
    made = Transcript(folder / f"20250101-{number:06}-abcdef")
    made.backups.mkdir(parents=True)
    made.write("start", workspace=str(workspace))
    made.write("message", message={"role": "user", "content": f"Do\x1b[2J thing {number}"})
    made.write("end", ending="done")
    (made.backups / "000001.json").write_text("{}")
    (made.backups / "000001.before").write_bytes(bytes(size))
    os.utime(made.path, (NOW - days * DAY,) * 2)
    return made


def left(folder: Path) -> list[int]:
    return sorted(int(task.id.split("-")[1]) for task in tasks.every(folder))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def test_few_and_young_ones_all_stay(tmp_path: Path, work: Path) -> None:
    for number in range(5):
        kept(tmp_path / "agent", number, work)
    assert tasks.prune(tmp_path / "agent", NOW) == []
    assert left(tmp_path / "agent") == [0, 1, 2, 3, 4]
    assert tasks.prune(tmp_path / "none") == []


@pytest.mark.parametrize("bound", ["count", "age", "bytes"])
def test_each_bound_removes_the_oldest_first(
    tmp_path: Path, work: Path, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bound == "count":
        monkeypatch.setattr(tasks, "MOST", 3)
    elif bound == "bytes":
        monkeypatch.setattr(tasks, "BYTES", 35_000)
    for number in range(6):
        old = {"age": 100.0}.get(bound, 0) if number < 3 else 0
        kept(tmp_path / "agent", number, work, days=old, size=10_000)
    assert len(tasks.prune(tmp_path / "agent", NOW)) == 3
    assert left(tmp_path / "agent") == [3, 4, 5]


def test_the_last_task_of_each_folder_stays_whatever_its_age(tmp_path: Path, work: Path) -> None:
    other, gone = tmp_path / "other", tmp_path / "gone"
    other.mkdir()
    for number, where in enumerate((other, other, gone, work, work)):
        kept(tmp_path / "agent", number, where, days=1000)
    tasks.prune(tmp_path / "agent", NOW)
    assert left(tmp_path / "agent") == [1, 4]  # what `resume` and `--undo` mean there
    found = transcript.find(tmp_path / "agent", None, other)
    assert found.id.startswith("20250101-000001")


def test_what_is_under_way_stays_and_cannot_be_taken(tmp_path: Path, work: Path) -> None:
    running = kept(tmp_path / "agent", 0, work, days=1000)
    kept(tmp_path / "agent", 1, work)
    code = (
        "import sys; from pathlib import Path; from local_swarm.tools import tasks\n"
        "from local_swarm.tools.transcript import Transcript\n"
        "with tasks.held(Transcript(Path(sys.argv[1]))): print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(running.folder)], stdin=-1, stdout=-1
    )
    try:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        assert tasks.prune(tmp_path / "agent", NOW) == []
        assert [tasks.past(task).running for task in tasks.every(tmp_path / "agent")] == [
            False,
            True,
        ]
        with pytest.raises(UsageError, match="is under way"):
            tasks.remove(running)
        with pytest.raises(UsageError, match="is under way"), tasks.held(running):
            pass
    finally:
        holder.kill()  # a process that dies lets go
        holder.communicate()
    assert tasks.prune(tmp_path / "agent", NOW) == [running.id]


def test_a_link_and_a_stranger_are_left_alone(tmp_path: Path, work: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    folder = tmp_path / "agent"
    kept(folder, 5, work)
    (folder / "20200101-000000-aaaaaa").symlink_to(precious)
    (folder / "notes").mkdir()
    assert tasks.prune(folder, time.time() + 1000 * DAY) == []
    assert (precious / "file").exists() and (folder / "notes").is_dir()


def command(*words: str) -> Any:
    return CliRunner().invoke(app, ["agent", *words])


def test_the_commands_list_and_remove(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_SWARM_HOME", str(tmp_path))
    folder = tmp_path / "state" / "agent"
    made = [kept(folder, number, work) for number in range(3)]
    (made[0].folder / "transcript.jsonl").write_text("")  # a crash at once
    told = command("list").stdout
    assert "done" in told and "broken off" in told and "3 tasks" in told
    assert f"--undo {made[1].id}" in told and f"in {work}" in told
    assert "\x1b" not in told and "Do\\x1b[2J thing 1" in told
    listed = json.loads(command("list", "--json").stdout)["tasks"]
    assert [one["id"] for one in listed] == [task.id for task in reversed(made)]
    assert listed[0]["changed"] == 1 and listed[0]["workspace"] == str(work)
    for words in (("rm",), ("rm", "notes.txt"), ("rm", "20250101-999999-abcdef"), ("rm", "../x")):
        assert isinstance(command(*words).exception, UsageError)
    assert left(folder) == [0, 1, 2]
    gone = command("rm", made[0].id, made[1].id, "--json")
    assert json.loads(gone.stdout) == {"removed": [made[0].id, made[1].id]}
    assert "cannot be undone" in command("rm", "all").stdout
    assert "No task was done yet" in command("list").stdout
