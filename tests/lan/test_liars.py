"""Paired machines that lie, against a whole node: nothing is counted that must not be."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from tests.lan.hosts import PORT, ROOT, Lan
from tests.lan.nodes import RIGHT, Node
from tests.lan_peers import machine

WRONG = "number:99"


def test_liars_do_not_outvote_home(namespaces: None, tmp_path: Path) -> None:
    ways = ("many", "more", "broken", "silent", "garbage")
    home = machine(tmp_path / "home" / "lan")
    for way in ways:
        liar = machine(tmp_path / way)
        home.book.put(replace(liar.as_peer, name=way))
        liar.book.put(home.as_peer)
    with Lan(2) as lan:
        lan.start(
            2, [sys.executable, "-m", "tests.lan.liar", str(tmp_path), str(PORT), *ways], cwd=ROOT
        )
        one = Node(lan, 1, tmp_path / "home", 5)
        one.ready()
        one.sees("up", *ways)
        verdict = one.ask()
        weights = {group["key"]: group["weight"] for group in verdict["groups"]}
        votes = {group["key"]: group["votes"] for group in verdict["groups"]}
        assert max(weights, key=lambda key: weights[key]) == RIGHT
        assert verdict["winner"]["machine"] == "home"
        # 50 of `many`, 3 of `more`; each machine weighs one at most.
        assert votes[WRONG] <= 53
        assert weights[WRONG] <= 2
        absent = {one["worker"].split(" ")[0] for one in verdict["absent"]}
        assert {"broken", "garbage", "silent"} <= absent
