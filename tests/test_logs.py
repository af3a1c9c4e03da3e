"""The log says how votes went, and nothing of what was said."""

from __future__ import annotations

import stat
from pathlib import Path

from local_swarm import logs

from .conftest import Running

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


def test_old_logs_are_dropped(tmp_path: Path) -> None:
    with logs.written(tmp_path):
        for _ in range(60):
            logs._LOG.info("x" * 100_000)
    assert len(list(tmp_path.iterdir())) == 4
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 5 << 20
