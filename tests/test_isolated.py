"""`--isolated`: one process a worker, each with the whole model."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from local_swarm.choose import Wish, choose
from local_swarm.enlist import Named, enlist

from .conftest import Running, running, settings_in


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("isolated")
    wish = Wish(isolated=True)
    enlisted = enlist(settings_in(home), [Named("demo", 3)], wish, lambda file, done, total: None)
    with running(home, None, None, others=enlisted.crews) as node:
        yield node


def test_each_worker_is_a_process_and_casts_one_ballot(isolated: Running) -> None:
    status = isolated.http.get("/swarm/status").json()
    assert len({engine["pid"] for engine in status["engines"]}) == 3 and status["seats"] == 3
    assert [(e["seats"], e["slots"], e["state"]) for e in status["engines"]] == [
        (1, 1, "ready")
    ] * 3
    assert all(engine["rss"] > (4 << 20) for engine in status["engines"])
    options = {"include_ballots": True, "early_stop": False, "escalate": False}
    swarm = isolated.chat(swarm=options).json()["swarm"]
    assert sorted(one["worker"] for one in swarm["details"]) == [
        "home/demo#0", "home/demo#1", "home/demo#2",
    ]  # fmt: skip
    assert swarm["rounds"][0]["asked"] == {"home/demo": 1, "home/demo@1": 1, "home/demo@2": 1}
    engines = isolated.http.get("/swarm/status").json()["engines"]
    assert all(engine["tokens_total"] > 0 for engine in engines)


def test_single_questions_are_spread_over_the_workers(isolated: Running) -> None:
    before = [one["tokens_total"] for one in isolated.http.get("/swarm/status").json()["engines"]]
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(isolated.chat, model="local-swarm-fast") for _ in range(9)]
        assert all(one.result().status_code == 200 for one in asked)
    after = [one["tokens_total"] for one in isolated.http.get("/swarm/status").json()["engines"]]
    assert sum(new > old for new, old in zip(after, before, strict=True)) > 1


def test_a_killed_worker_costs_no_answer(isolated: Running) -> None:
    pid = isolated.engine_pid
    os.kill(pid, signal.SIGKILL)
    answer = isolated.chat(swarm={"early_stop": False}).json()
    assert answer["swarm"]["ballots"] == 3
    engines = isolated.http.get("/swarm/status").json()["engines"]
    assert [engine["restarts"] for engine in engines] == [1, 0, 0] and not psutil.pid_exists(pid)


def test_isolated_workers_share_the_cores(tmp_path: Path) -> None:
    wish = Wish("demo", 64, isolated=True)
    made = choose(settings_in(tmp_path), wish, lambda file, done, total: None).plan
    assert (made.threads, made.slots, made.seats) == (1, 1, 64)
