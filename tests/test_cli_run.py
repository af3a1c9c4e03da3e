"""`run`, `ask`, `status` and `stop` as a user meets them: real processes, the bundled model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from local_swarm.models.store import demo_path

from .conftest import SUM

COMMAND = [sys.executable, "-m", "local_swarm"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def environment(home: Path) -> dict[str, str]:
    hidden = ("LOCAL_SWARM_PORT", "LOCAL_SWARM_API_KEY")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "LOCAL_SWARM_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9"}


def cli(home: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *words], env=environment(home), input=stdin, capture_output=True, timeout=100
    )


@contextmanager
def run(home: Path, *words: str, until: str = "Ctrl-C") -> Iterator[subprocess.Popen[str]]:
    """A running `local-swarm run`, once it has printed `until`."""
    process = subprocess.Popen(
        [*COMMAND, "run", *words], env=environment(home), text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    process.said = ""  # type: ignore[attr-defined]
    try:
        assert process.stdout
        while until and until not in process.said:  # type: ignore[attr-defined]
            line = process.stdout.readline()
            assert line, process.said  # type: ignore[attr-defined]
            process.said += line  # type: ignore[attr-defined]
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=20)[1]


def test_offline_it_says_so_and_serves_the_bundled_model(tmp_path: Path) -> None:
    with run(tmp_path, "--port", "0") as process:
        said: str = process.said  # type: ignore[attr-defined]
        assert "No network and no model on disk: serving the bundled demo model" in said
        assert re.search(r"Machine: .* cores, .* GiB RAM", said)
        assert "share one copy of the weights" in said
        url = re.search(r"(http://127.0.0.1:\d+)/v1", said)
        assert url and f"curl {url[1]}/v1/chat/completions" in said

        asked = cli(tmp_path, "ask", "--json", SUM)
        answer = json.loads(asked.stdout)
        assert answer["answer"].endswith("Answer: 21")
        assert answer["swarm"]["status"] == "majority"

        explained = cli(tmp_path, "ask", "--explain", "--seats", "7", SUM).stdout.decode()
        assert "Answer: 21" in explained
        assert "of 7 seats answered" in explained

        status = json.loads(cli(tmp_path, "status", "--json").stdout)
        assert (status["state"], status["requests_total"]) == ("ok", 2)
        assert status["engines"][0]["pss"] > 0
        assert b"engine demo: ready" in cli(tmp_path, "status").stdout

        engines = children(process)
        stopped = cli(tmp_path, "stop")
        assert (stopped.returncode, stopped.stdout) == (0, b"Stopped.\n")
        assert process.wait(20) == 0
        assert gone(engines)


def test_ask_reads_standard_input_and_starts_its_own_node(tmp_path: Path) -> None:
    asked = cli(tmp_path, "ask", "--seats", "3", stdin=SUM.encode())
    assert asked.returncode == 0
    assert asked.stdout.decode().endswith("Answer: 21\n")
    assert b"one is started for this question" in asked.stderr
    assert "`local-swarm run` downloads a better one" in " ".join(asked.stderr.decode().split())
    assert list(tmp_path.rglob("*.json")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_running_node_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with run(tmp_path, "--demo", "--port", "0") as process:
        engines = children(process)
        assert engines
        os.killpg(process.pid, number)  # as a terminal does
        assert process.wait(20) == 0
        assert gone(engines)
        assert "Traceback" not in (process.stdout.read() if process.stdout else "")
    assert list(tmp_path.rglob("*.json")) == []


@pytest.mark.parametrize("after", [0.05, 0.3, 0.6, 0.9, 1.2])
def test_ctrl_c_in_any_phase_leaves_nothing(tmp_path: Path, after: float) -> None:
    with run(tmp_path, "--demo", "--port", "0", until="") as process:
        time.sleep(after)
        engines = children(process)
        os.killpg(process.pid, signal.SIGINT)
        try:
            code = process.wait(20 if after > 0.2 else 3)
        except subprocess.TimeoutExpired:
            # While Python sets itself up it swallows the signal, long before our first line.
            assert after <= 0.2
            os.killpg(process.pid, signal.SIGINT)
            code = process.wait(20)
        assert gone(engines)
        said = process.stdout.read() if process.stdout else ""
    # Before our first line runs, Python itself answers a Ctrl-C (with 1 while it imports `site`).
    assert code in ((0, 130) if said else (0, 130, 1, -signal.SIGINT))
    assert "Traceback" not in said or "local_swarm/cli" not in said


def test_a_killed_node_takes_its_engine_along(tmp_path: Path) -> None:
    with run(tmp_path, "--demo", "--port", "0") as process:
        engines = children(process)
        assert engines
        process.kill()
        assert gone(engines)
    # What it left behind misleads nobody.
    status = cli(tmp_path, "status", "--json")
    assert json.loads(status.stdout)["state"] == "stopped"
    assert status.returncode == 1


def test_a_second_node_on_the_same_port_is_refused(tmp_path: Path) -> None:
    with run(tmp_path, "--demo", "--port", "0") as process:
        found = re.search(r"127.0.0.1:(\d+)/v1", process.said)  # type: ignore[attr-defined]
        assert found
        second = cli(tmp_path, "run", "--demo", "--port", found[1])
        assert second.returncode == 1
        assert f"Port {found[1]} on 127.0.0.1 is taken".encode() in second.stderr


def test_nothing_that_was_said_is_on_disk(tmp_path: Path) -> None:
    secret = "xylophone-4711"
    with run(tmp_path, "--demo", "--port", "0") as process:
        assert cli(tmp_path, "ask", f"Tell me about {secret}.").returncode == 0
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=20)[0]
    assert secret not in said
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_a_broken_model_is_told_in_one_line(tmp_path: Path) -> None:
    # A whole file by its header, with a tokenizer that the engine does not know.
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(demo_path().read_bytes().replace(b"smollm", b"nosuch"))
    failed = cli(tmp_path, "run", str(broken), "--port", "0")
    assert failed.returncode == 1
    assert failed.stderr.startswith(b"Error: The engine is not running: ")
    assert failed.stderr.count(b"\n") == 1


def test_ctrl_c_in_the_middle_of_answers_says_only_stopped(tmp_path: Path) -> None:
    with run(tmp_path, "--demo", "--port", "0") as process:
        url = re.search(r"(http://127.0.0.1:\d+)/v1", process.said)  # type: ignore[attr-defined]
        assert url
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 480}
        with ThreadPoolExecutor(4) as pool:
            jobs = [
                pool.submit(
                    httpx.post, f"{url[1]}/v1/chat/completions", timeout=20, trust_env=False,
                    json={**body, "ignore_eos": True},
                )
                for _ in range(4)
            ]  # fmt: skip
            time.sleep(0.2)
            os.killpg(process.pid, signal.SIGINT)
            for job in jobs:  # told, or cut off, but never left hanging
                error = job.exception()
                assert error is None or isinstance(error, httpx.TransportError)
        assert process.wait(20) == 0
        assert process.stdout
        assert process.stdout.read() == "Stopped.\n"


def test_two_nodes_beside_each_other_are_both_found(tmp_path: Path) -> None:
    with (
        run(tmp_path, "--demo", "--port", "0") as first,
        run(tmp_path, "--demo", "--port", "0") as second,
    ):
        found = re.search(r"127.0.0.1:(\d+)/v1", second.said)  # type: ignore[attr-defined]
        assert found
        stopped = cli(tmp_path, "stop", "--url", f"http://localhost:{found[1]}/")
        assert stopped.stdout == b"Stopped.\n"
        assert second.wait(20) == 0
        assert json.loads(cli(tmp_path, "status", "--json").stdout)["state"] == "ok"
        assert cli(tmp_path, "stop").returncode == 0
        assert first.wait(20) == 0


def test_a_name_in_a_model_file_is_only_shown(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    name = b"swarm-tiny" if b"swarm-tiny" in demo_path().read_bytes() else b"Local Swarm demo"
    odd = b"\x1b[31m[/no]".ljust(len(name), b".")[: len(name)]
    path.write_bytes(demo_path().read_bytes().replace(name, odd, 1))
    with run(tmp_path, str(path), "--port", "0") as process:
        assert "\x1b" not in process.said  # type: ignore[attr-defined]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "version"], env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (1, b"Error: No space left on device.\n")


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    refused = cli(tmp_path, "run", str(tmp_path / "pipe.gguf"), "--port", "0")
    assert refused.returncode == 2
    assert b"is no regular file" in refused.stderr
