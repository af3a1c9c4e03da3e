"""`local-swarm agent` as a user meets it: real processes, a real node, the bundled model."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Running

COMMAND = [sys.executable, "-m", "local_swarm", "agent"]
READ = "Read the file notes.txt"
WRITE = 'Write "hello" to out.txt'


@dataclass(frozen=True)
class Place:
    """A folder to work in, a home, and a node to ask."""

    home: Path
    node: Running

    @property
    def folder(self) -> Path:
        return self.home / "work"

    @property
    def out(self) -> Path:
        return self.folder / "out.txt"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ, "LOCAL_SWARM_HOME": str(self.home / "home"), "TERM": "dumb",
            "EDITOR": f"{sys.executable} -c \"import sys; open(sys.argv[1], 'w').write('mine')\"",
        }  # fmt: skip

    def __call__(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "--url", self.node.url, *words], env=self.environment, cwd=self.folder,
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @contextmanager
    def terminal(self, *words: str) -> Iterator[Terminal]:
        """The command on a terminal of its own."""
        ours, its = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, "--url", self.node.url, *words], env=self.environment, cwd=self.folder,
            stdin=its, stdout=its, stderr=its, start_new_session=True,
        )  # fmt: skip
        os.close(its)
        try:
            yield Terminal(process, ours)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            os.close(ours)

    def transcript(self) -> list[dict[str, object]]:
        [file] = (self.home / "home" / "state" / "agent").glob("*/transcript.jsonl")
        return [json.loads(line) for line in file.read_text().split("\n") if line]


@dataclass
class Terminal:
    """What a person sees and types."""

    process: subprocess.Popen[bytes]
    file: int
    seen: str = ""

    def wait(self, words: str) -> None:
        """Reads until `words` are there."""
        ends = time.monotonic() + 60
        while words not in self.seen:
            assert time.monotonic() < ends, self.seen
            if select.select([self.file], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.file, 65536).decode(errors="replace")
                except OSError:  # it has ended
                    assert words in self.seen, self.seen

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def end(self) -> int:
        """Reads to the end; the exit code."""
        while True:
            try:
                data = os.read(self.file, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        return self.process.wait(30)


@pytest.fixture
def place(tmp_path: Path, node: Running) -> Place:
    made = Place(tmp_path, node)
    made.folder.mkdir()
    (made.folder / "notes.txt").write_text("Buy milk.\n")
    return made


def test_a_file_is_read_without_asking(place: Place) -> None:
    done = place(READ)
    assert (done.returncode, done.stdout) == (0, "The file notes.txt says: Buy milk.\n")
    assert "+ read_file(path='notes.txt')" in done.stderr


def test_a_node_is_started_where_none_runs(place: Place) -> None:
    environment = {**place.environment, "HF_HUB_OFFLINE": "1", "LOCAL_SWARM_PORT": "9"}
    done = subprocess.run(
        [*COMMAND, "--auto-edit", WRITE], env=environment, cwd=place.folder, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert place.out.read_text() == "hello" and "I wrote the file out.txt." in done.stdout


def test_a_flag_writes_and_undo_puts_back(place: Place) -> None:
    place.out.write_text("before")
    assert place("--auto-edit", WRITE).returncode == 0
    assert place.out.read_text() == "hello"
    undone = place("--undo")
    assert undone.returncode == 0 and "out.txt: put back" in undone.stdout
    assert place.out.read_text() == "before"
    assert "nothing to undo in task" in place("--undo").stdout


def test_a_task_from_a_pipe_without_a_flag_touches_nothing(place: Place) -> None:
    for task in ("task", WRITE):
        done = place(stdin=task)
        assert done.returncode == 3 and "no terminal" in done.stderr
    assert sorted(path.name for path in place.folder.iterdir()) == ["notes.txt"]
    assert not (place.home / "home").exists()


def test_a_task_from_a_pipe_with_a_flag_is_done(place: Place) -> None:
    assert place("--auto-edit", stdin=WRITE).returncode == 0
    assert place.out.read_text() == "hello"


def test_a_write_without_a_terminal_is_refused(place: Place) -> None:
    done = place(WRITE)
    assert done.returncode == 3 and not place.out.exists()
    assert "+hello" in done.stderr and "nobody can be asked" in done.stderr


def test_auto_edit_runs_no_command(place: Place) -> None:
    done = place("--auto-edit", "--unsafe-bash", "Run the command date")
    assert done.returncode == 3 and "- execute_bash(command='date')" in done.stderr


def test_a_dry_run_shows_and_does_nothing(place: Place) -> None:
    done = place("--dry-run", WRITE)
    assert "+hello" in done.stderr and not place.out.exists()


def test_json_for_programs(place: Place) -> None:
    told = json.loads(place("--json", READ).stdout)
    assert (told["ending"], told["text"]) == ("done", "The file notes.txt says: Buy milk.")
    [act] = told["actions"]
    assert act["name"] == "read_file" and act["ok"] and 2 * act["votes"] > act["workers"]
    assert Path(told["transcript"]).is_file() and told["steps"] == 2


def test_a_task_goes_on(place: Place) -> None:
    assert place(READ).returncode == 0
    [task] = (place.home / "home" / "state" / "agent").iterdir()
    done = place("--auto-edit", "resume", task.name, WRITE)
    assert done.returncode == 0 and place.out.read_text() == "hello"
    kinds = [line["kind"] for line in place.transcript()]
    assert kinds.count("start") == 2 and kinds.count("end") == 2
    assert kinds.count("message") > 6  # of both, in one conversation
    done = place("--folder", str(place.home), "resume", task.name)
    assert done.returncode == 2 and f"begun in {place.folder}" in done.stderr


@pytest.mark.parametrize("words, told", [
    (("resume",), "Nothing was done"), (("  ",), "is empty"), (("--folder", "/", "x"), "/"),
])  # fmt: skip
def test_mistakes_are_told(place: Place, words: tuple[str, ...], told: str) -> None:
    done = place(*words)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_a_person_sees_the_diff_and_says_yes(place: Place) -> None:
    with place.terminal(WRITE) as terminal:
        terminal.wait("[e]dit: ")
        assert "+hello" in terminal.seen and not place.out.exists()
        assert re.search(r"\d of \d workers proposed it", terminal.seen)
        terminal.type("what\n")
        terminal.wait("Type y, n, a or e.")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert place.out.read_text() == "hello"
    [action] = [line for line in place.transcript() if line["kind"] == "action"]
    assert (action["decision"], action["by"]) == ("yes", "user")


def test_a_person_says_no(place: Place) -> None:
    with place.terminal(WRITE) as terminal:
        terminal.wait("[e]dit: ")
        terminal.type("\n")
        terminal.end()
    assert not place.out.exists()


def test_a_person_edits_what_is_written(place: Place) -> None:
    with place.terminal(WRITE) as terminal:
        terminal.wait("[e]dit: ")
        terminal.type("e\n")
        terminal.wait("+mine")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert place.out.read_text() == "mine"


def test_ctrl_c_while_it_asks_leaves_a_clean_state(place: Place) -> None:
    with place.terminal(WRITE) as terminal:
        terminal.wait("[e]dit: ")
        os.killpg(terminal.process.pid, signal.SIGINT)
        assert terminal.end() == 130
    assert "agent resume" in terminal.seen and "Traceback" not in terminal.seen
    assert not place.out.exists() and place.transcript()[-1]["ending"] == "stopped"


def test_what_was_typed_before_it_asked_is_no_answer(place: Place) -> None:
    with place.terminal(WRITE) as terminal:
        terminal.type("y\ny\ny\n")
        terminal.wait("[e]dit: ")
        time.sleep(0.3)
        assert terminal.process.poll() is None and not place.out.exists()
        terminal.type("n\n")
        terminal.end()
    assert not place.out.exists()
