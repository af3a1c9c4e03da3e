"""`run` while its model is still on the way: the bundled one answers until then."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from local_swarm.choose import Wish
from local_swarm.cli import meanwhile
from local_swarm.cli.meanwhile import Coming
from local_swarm.enlist import Enlisted, Named, enlist
from local_swarm.errors import FetchError
from local_swarm.models.catalog import DEMO
from local_swarm.obtain import OnDownload

from .conftest import SUM, settings_in
from .test_cli_pull import MIB, OWN, Hub, Swarm, hub, swarm

__all__ = ["hub", "swarm"]
BEST = OWN.replace("context = 512", "context = 512\nquality = 0.99\nquality_source = 'a test'")


class Talk:
    """What a running `local-swarm run` says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, ""

    def until(self, word: str) -> str:
        """Reads on to a line with `word`."""
        at = len(self.said)
        assert self.process.stdout
        while word not in self.said[at:]:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        return self.said[at:]


@pytest.fixture
def started(hub: Hub, swarm: Swarm) -> Iterator[Talk]:
    """`run` without a model, whose download takes its time."""
    (swarm.models / "models.toml").write_text(BEST)
    hub.data += bytes(6 * MIB)
    hub.slow_after = MIB
    hub.gate.clear()
    process = swarm.start("run", "--port", "0")
    try:
        yield Talk(process)
    finally:
        hub.gate.set()
        process.kill()
        process.communicate()


def models(url: str) -> set[str]:
    """Who voted on a question."""
    body = {"messages": [{"role": "user", "content": SUM}], "swarm": {"explain": True}}
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60, trust_env=False)
    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["content"].endswith("Answer: 21")
    status = httpx.get(f"{url}/swarm/status", trust_env=False).json()
    return {engine["model"] for engine in status["engines"]}


def test_the_bundled_model_answers_until_the_other_one_is_here(hub: Hub, started: Talk) -> None:
    assert "Downloading" in started.until("the bundled demo model answers")
    found = re.search(r"(http://127.0.0.1:\d+)/v1", started.until("Ctrl-C stops it"))
    assert found and models(found[1]) == {"demo"}
    stop = threading.Event()

    def ask() -> int:
        count = 0
        while not stop.is_set():
            models(found[1])
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        hub.gate.set()
        assert "The model is here and takes over" in started.until("Ctrl-C stops it")
        time.sleep(0.2)
        stop.set()
        assert all(job.result() for job in asking)  # nobody was turned away meanwhile
    assert models(found[1]) == {"mine"}
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(20) == 0


def test_ctrl_c_keeps_what_has_come(hub: Hub, swarm: Swarm, started: Talk) -> None:
    started.until("Ctrl-C stops it")
    started.process.send_signal(signal.SIGINT)
    assert "The next start goes on with the download" in started.until("Stopped")
    assert started.process.wait(20) == 0
    hub.gate.set()
    assert swarm.file.with_suffix(".partial").stat().st_size >= MIB
    assert not list((swarm.models.parent / "state" / "nodes").glob("*.json"))


@pytest.mark.parametrize("kind", ["fails", "falls back"])
def test_what_breaks_off_is_told_and_nothing_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(meanwhile, "_PATIENCE_S", 0.01)
    demo = enlist(settings_in(tmp_path), [Named(DEMO)], Wish(), lambda *_: None)
    told, bars = [], []
    go, heard = threading.Event(), threading.Event()

    def work(on_download: OnDownload) -> Enlisted:
        on_download("file", 1, 2)
        assert go.wait(10)
        if kind == "fails":
            raise FetchError("The hub is gone.", hint="Try again.")
        return demo  # as the planner does where the hub is gone

    def tell(text: str) -> None:
        told.append(text)
        heard.set()

    coming = Coming(work, lambda *all: bars.append(all), tell)
    assert coming.wait() is None
    go.set()
    assert heard.wait(10)
    assert not coming.here.done()
    assert ("The hub is gone" if kind == "fails" else "broke off") in told[0]
    assert bars == [("file", 1, 2)]


def test_what_is_quick_is_awaited(tmp_path: Path) -> None:
    demo = enlist(settings_in(tmp_path), [Named(DEMO)], Wish(), lambda *_: None)
    assert Coming(lambda _: demo, lambda *_: None, print).wait() is demo

    def fail(_: OnDownload) -> Enlisted:
        raise FetchError("The disk is full.")

    with pytest.raises(FetchError, match="disk is full"):
        Coming(fail, lambda *_: None, print).wait()
