"""Questions while cables are pulled at random, and a checker that reads what came of it."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.lan import history
from tests.lan.history import (
    Answered,
    Asked,
    Broken,
    Event,
    Fetched,
    Healed,
    HungUp,
    Idle,
    Open,
    Whole,
)
from tests.lan.nodes import SUM, Node, Nodes, whole
from tests.lan.told import Told
from tests.test_network_blobs import stock

_ROUNDS = 2
_SECRET = "Okapi2718"
_LONG: dict[str, Any] = {
    "messages": [{"role": "user", "content": SUM}],
    "max_tokens": 400,
    "ignore_eos": True,
    "temperature": 2.0,
    "swarm": {"scope": "lan", "early_stop": False},
}
_DATA = bytes(range(256)) * 20_000  # 5 MB
_DIGEST = hashlib.sha256(_DATA).hexdigest()

_GOOD: dict[str, Any] = {
    "status": "majority",
    "machines": 1,
    "ballots": 4,
    "groups": [{"key": "number:21", "votes": 4, "weight": 4.0, "machines": ["home"]}],
}
_SEATS = {"a": 4, "b": 2}


def test_a_good_history_has_no_faults() -> None:
    good: list[Event] = [
        Open(0, 1, 20), Asked(1, 1, 1), Answered(2, 1, _GOOD), Asked(3, 2, 1), HungUp(3.2, 2),
        Idle(3.4, 2, 1, 0.2), Idle(5, 2, 2, 1.8), Idle(3.4, 2, 3, 0.2),
        Fetched(3.5, "ab", "ab"), Fetched(3.6, "ab", None), Broken(4, frozenset({2})),
        Asked(5, 3, 2), Answered(6, 3, _GOOD), Healed(7), Whole(9), Open(10, 1, 22),
    ]  # fmt: skip
    assert history.faults(good, _SEATS) == []


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([Asked(0, 1, 1)], "ended 0 times"),
        ([Asked(0, 1, 1), Answered(1, 1, _GOOD), Answered(2, 1, _GOOD)], "ended 2 times"),
        ([Asked(0, 1, 1), Answered(99, 1, _GOOD)], "after its deadline"),
        ([Asked(0, 1, 1), Answered(1, 1, {**_GOOD, "status": "no_answer"})], "no answer"),
        ([Asked(0, 1, 1, True), Answered(1, 1, {**_GOOD, "machines": 2})], "others than home"),
        (
            [
                Broken(0, frozenset({1})),
                Asked(0, 1, 1),
                Answered(1, 1, {**_GOOD, "machines": 2}),
                Healed(2),
                Whole(3),
            ],
            "others than home",
        ),
        ([Asked(0, 1, 1), Answered(1, 1, {**_GOOD, "ballots": 7})], "too many ballots"),
        (
            [
                Asked(0, 1, 1),
                Answered(1, 1, {**_GOOD, "groups": [{**_GOOD["groups"][0], "weight": 5.0}]}),
            ],
            "weighs more",
        ),
        (
            [
                Asked(0, 1, 1),
                Answered(
                    1, 1, {**_GOOD, "groups": [{**_GOOD["groups"][0], "machines": ["m (x)"]}]}
                ),
            ],
            "no member",
        ),
        ([Asked(0, 1, 1), HungUp(1, 1)], "worked on after"),
        ([Asked(0, 1, 1), HungUp(1, 1), Idle(2.2, 1, 2, 1.2)], "worked on for 1.200 s"),
        ([Fetched(0, "ab", "cd")], "cd has the name of ab"),
        ([Healed(0), Whole(16)], "not all saw all"),
        ([Open(0, 1, 20), Open(1, 1, 27)], "27 files open"),
    ],
)
def test_each_fault_is_found(events: list[Event], told: str) -> None:
    (found,) = history.faults(events, _SEATS)
    assert told in found


def test_words_on_the_wire_are_found() -> None:
    assert history.leaked(b"..okapi..", [b"okapi", b"zebra"]) == ["okapi was on the wire"]


class Storm:
    """Asks, breaks and repairs, and writes down what happens."""

    def __init__(self, nodes: Nodes, seed: int) -> None:
        self.nodes, self.lan = nodes, nodes[0].lan
        self.events: list[Event] = []
        self.watches = {host: Told(self.lan, host, "watch") for host in self.lan.hosts}
        here = nodes[0].home
        words = (here / "lan", here / "brought" / "model.gguf", _DIGEST, len(_DATA))
        self.fetcher = Told(self.lan, 1, "fetcher", *words)
        for program in (*self.watches.values(), self.fetcher):
            program.ready()
        self._chance = random.Random(seed)
        self._ids = count(1)
        self._pool = ThreadPoolExecutor(4)

    def ask(self, node: Node, *, private: bool = False) -> Future[None]:
        """A question in a thread of its own."""
        id = next(self._ids)
        self.events.append(Asked(time.monotonic(), id, node.host, private))
        words = f"{_SECRET}: {SUM}" if private else SUM

        def work() -> None:
            verdict = node.ask(words, local_only=private, deadline_s=history.DEADLINE_S)
            self.events.append(Answered(time.monotonic(), id, verdict))

        return self._pool.submit(work)

    def hang_up(self, node: Node) -> None:
        """Asks for more than is ever said, and hangs up once somebody else works for it."""
        id, home = next(self._ids), self.watches[node.host]
        others = [watch for watch in self.watches.values() if watch is not home]
        self.events.append(Asked(time.monotonic(), id, node.host))
        home("ask", body=_LONG)
        for watch in others:
            watch.begin("busy", seconds=5)
        works = [watch for watch in others if watch.end()]
        time.sleep(self._chance.uniform(0, 0.3))
        at = home("hang")
        self.events.append(HungUp(at, id))
        for watch in (home, *works):
            watch.begin("idle")
        for watch in (home, *works):
            idle = watch.end()
            self.events.append(Idle(idle, id, watch.host, idle - at))

    def fetch(self) -> None:
        """A model from the peers of host 1, one of which gives other bytes than it says."""
        found = self.fetcher("fetch")["found"]
        self.events.append(Fetched(time.monotonic(), _DIGEST, found))

    def round(self) -> None:
        """One accident with questions before, in and after it."""
        victim = self._chance.choice(self.nodes)
        accident = self._chance.choice((self._cut, self._black_hole, self._part, self._lossy))
        self.hang_up(self._chance.choice(self.nodes))
        early = self.ask(self._chance.choice(self.nodes))
        fetched = self._pool.submit(self.fetch)
        repair, alone = accident(victim)
        self.events.append(Broken(time.monotonic(), alone))
        during = [self.ask(victim), self.ask(self._chance.choice(self.nodes), private=True)]
        for asked in (early, fetched, *during):
            asked.result(60)
        repair()
        self.events.append(Healed(time.monotonic()))
        whole(self.nodes)
        self.events.append(Whole(time.monotonic()))

    def count_files(self) -> None:
        """What each node has open."""
        for node in self.nodes:
            files = psutil.Process(node.process.pid).num_fds()
            self.events.append(Open(time.monotonic(), node.host, files))

    def _cut(self, victim: Node) -> tuple[Callable[[], None], frozenset[int]]:
        self.lan.cut(victim.host)
        return lambda: self.lan.heal(victim.host), frozenset({victim.host})

    def _black_hole(self, victim: Node) -> tuple[Callable[[], None], frozenset[int]]:
        self.lan.black_hole(victim.host)
        return lambda: self.lan.join(victim.host), frozenset({victim.host})

    def _part(self, victim: Node) -> tuple[Callable[[], None], frozenset[int]]:
        others = [node.host for node in self.nodes if node is not victim]
        self.lan.partition(others)
        return lambda: self.lan.join(*others), frozenset({victim.host})

    def _lossy(self, victim: Node) -> tuple[Callable[[], None], frozenset[int]]:
        self.lan.cable(victim.host, loss=0.3)
        return lambda: self.lan.cable(victim.host), frozenset()


def test_what_must_hold_holds_in_a_storm(nodes: Nodes, tmp_path: Path) -> None:
    contents = (nodes[1], _DATA), (nodes[2], bytes(len(_DATA)))
    stocked = [stock(node.home / "models", data, _DIGEST) for node, data in contents]
    storm = Storm(nodes, seed=1)
    watching = storm.lan.capture(tmp_path / "wire")
    storm.hang_up(nodes[0])
    storm.count_files()
    for _ in range(_ROUNDS):
        storm.round()
    storm.hang_up(nodes[1])
    stocked[-1].unlink()  # without the liar it arrives
    storm.fetch()
    storm.count_files()
    watching.kill()
    assert storm.events[-4] == Fetched(storm.events[-4].at, _DIGEST, _DIGEST)
    stopped = [event for event in storm.events if isinstance(event, Idle) and event.host != 1]
    assert stopped, "no peer has ever worked for another"
    print("seconds from hang-ups to idle slots:", sorted(round(it.after, 3) for it in stopped))
    seats = {node.name: node.seats for node in nodes}
    assert history.faults(storm.events, seats) == [], storm.events
    wire = (tmp_path / "wire").read_bytes()
    assert len(wire) > 10_000
    assert history.leaked(wire, [_SECRET.encode(), b"apples", b"/peer/v1"]) == []
