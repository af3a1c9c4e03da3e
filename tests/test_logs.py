"""The log says how votes went, and nothing of what was said."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from local_swarm import logs
from local_swarm.chat import ChatRequest
from local_swarm.errors import EngineError
from local_swarm.swarm.canonical import asked_of
from local_swarm.swarm.election import Rule, Tier, hold
from local_swarm.swarm.strategies import named

from .conftest import Running
from .scripted import Scripted

SECRET = "Zanzibar"


def test_a_vote_is_logged_without_a_word_of_it(node: Running, tmp_path: Path) -> None:
    with logs.written(tmp_path / "state") as path:
        assert path is not None
        told = node.chat(f"Hello, I am {SECRET}, what is 14 + 7?").json()
        node.chat(f"{SECRET} " * 600)  # too long: an error is no reason to quote it
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    line = next(line for line in text.splitlines() if "local_swarm.vote" in line)
    assert told["swarm"]["status"] in line and "winner home/demo#" in line
    answer = told["choices"][0]["message"]["content"]
    assert SECRET not in text and answer.splitlines()[-1] not in text


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with logs.written(tmp_path / "file" / "state") as path:
        assert path is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_the_log_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / logs.NAME).symlink_to("/dev/full")
    with logs.written(tmp_path) as path:
        assert path is not None
        for _ in range(3):
            logs._LOG.info("x" * 10_000)
    assert capfd.readouterr() == ("", "")


def test_what_an_engine_says_of_its_failure_is_not_logged(tmp_path: Path) -> None:
    request = ChatRequest("id", ({"role": "user", "content": SECRET},))
    said = f"The engine failed: cannot parse {SECRET}."
    engine = Scripted("home", ["42", EngineError(said)])
    rule = Rule("majority", named("majority", asked_of(request).kind)[1], asked_of(request))
    verdict = asyncio.run(hold([Tier([(engine, 2)])], request, rule))
    assert verdict.degraded == said
    with logs.written(tmp_path) as path:
        logs.vote(verdict)
    assert path is not None
    assert "The engine failed" in path.read_text() and SECRET not in path.read_text()


def test_old_logs_are_dropped(tmp_path: Path) -> None:
    with logs.written(tmp_path):
        for _ in range(60):
            logs._LOG.info("x" * 100_000)
    assert len(list(tmp_path.iterdir())) == 4
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 5 << 20
