"""Paired machines that lie or go mad, against a whole node: nothing is counted that must not be,
and the answer is there by home's own time and its grace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.lan.hosts import PORT, ROOT, Lan, address
from tests.lan.nodes import RIGHT, Node, until
from tests.lan_peers import Machine, machine

WRONG = "number:99"
LIARS = ("many", "more", "broken", "garbage", "echo", "parrot")
MAD = (
    "endless line", "a million ballots", "byte by byte", "dripping head", "bomb",
    "late acceptance",
)  # fmt: skip
# Home needs a second for its own answer, peers get two more; a slow machine may double that.
_SOON_S = 12.0


@dataclass(frozen=True, slots=True)
class Gang:
    """Machines on host 2, as many as are asked at once, that are paired with a node on host 1."""

    node: Node
    folder: Path

    @contextmanager
    def come(self, program: str, ways: tuple[str, ...]) -> Iterator[None]:
        """They are there, and seen by home, until the block ends."""
        words = [sys.executable, "-m", program, str(self.folder), str(PORT), *ways]
        process = self.node.lan.start(2, words, cwd=ROOT)
        try:
            self.node.sees("up", *ways)
            yield
        finally:
            process.kill()


def _paired(home: Machine, folder: Path, place: int) -> Machine:
    it = machine(folder)
    where = (f"{address(2)}:{PORT + place}",)
    home.book.put(replace(it.as_peer, name=folder.name, addresses=where))
    it.book.put(home.as_peer)
    return it


@pytest.fixture(scope="module")
def gang(namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gang]:
    folder = tmp_path_factory.mktemp("gang")
    home = machine(folder / "home" / "lan")
    every = {
        way: _paired(home, folder / way, place)
        for ways in (LIARS, MAD)
        for place, way in enumerate(ways)
    }
    every["echo"].book.put(replace(every["many"].as_peer, name="many"))
    every["many"].book.put(every["echo"].as_peer)
    with Lan(2) as lan:
        node = Node(lan, 1, folder / "home", 5)
        node.ready()
        yield Gang(node, folder)


def _weights(verdict: dict[str, Any]) -> dict[str, float]:
    """What the answers weigh, once it is seen that home's was chosen and in time."""
    weights = {group["key"]: group["weight"] for group in verdict["groups"]}
    assert max(weights, key=lambda key: weights[key]) == RIGHT
    assert verdict["winner"]["machine"] == "home"
    assert verdict["seconds"] < _SOON_S
    return weights


def _absent(verdict: dict[str, Any]) -> set[str]:
    return {one["worker"].partition(" (")[0] for one in verdict["absent"]}


def test_liars_do_not_outvote_home(gang: Gang) -> None:
    with gang.come("tests.lan.liar", LIARS):
        verdict, again = gang.node.ask(), gang.node.ask()
    votes = {group["key"]: group["votes"] for group in verdict["groups"]}
    # 50 of `many` and as many of `echo`, 3 of `more`, 1 of `parrot`; each machine weighs one.
    assert votes[WRONG] <= 104
    assert _weights(verdict)[WRONG] <= 4
    assert {"broken", "garbage"} <= _absent(verdict)
    assert _weights(again)[WRONG] <= 3  # `parrot` is caught
    assert {"broken", "garbage", "parrot"} <= _absent(again)
    audits = {peer["name"]: peer["audit"] for peer in gang.node.control("/swarm/peers")["peers"]}
    assert "had committed itself to" in audits["parrot"]
    assert not audits["echo"]  # it is bound to what it has heard, and weighs no more for it


def test_the_mad_keep_no_answer_back(gang: Gang) -> None:
    until(lambda: not {"up"} & {gang.node.peers()[way] for way in LIARS})
    with gang.come("tests.bad_peer", MAD):
        verdict = gang.node.ask()
    assert _weights(verdict).get(WRONG, 0) <= 1
    assert _absent(verdict) >= set(MAD)
