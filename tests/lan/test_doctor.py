"""`doctor --lan` says which stage between two machines fails, and what to do."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.lan.conftest import Light
from tests.lan.hosts import PORT, ROOT, Lan, address
from tests.lan_peers import Machine, machine, pair

_DOCTOR = """
import asyncio, json
from dataclasses import asdict
from local_swarm import settings
from local_swarm.diagnose.lan import lan

async def main():
    return [asdict(check) async for check in lan(settings.read())]

print(json.dumps(asyncio.run(main())))
"""


def examine(lan: Lan, home: Path, host: int = 1) -> dict[str, dict[str, Any]]:
    told = lan.run(
        host,
        [sys.executable, "-c", _DOCTOR],
        cwd=ROOT,
        env={**os.environ, "LOCAL_SWARM_HOME": str(home)},
    )
    return {check["name"]: check for check in json.loads(told.stdout)}


def _known(one: Machine, other: Machine, name: str, *places: str) -> None:
    one.book.put(replace(other.as_peer, name=name, addresses=places))


def test_each_peer_gets_its_own_diagnosis(namespaces: None, tmp_path: Path) -> None:
    here, well, off, gone, other, lured, stern = (
        machine(tmp_path / str(n) / "lan") for n in range(7)
    )
    pair(here, well)
    _known(here, well, "well", f"{address(2)}:{PORT}")
    _known(here, off, "off", f"{address(2)}:9")
    _known(here, gone, "gone", f"{address(4)}:{PORT}")
    _known(here, other, "other", f"{address(2)}:{PORT}")
    _known(here, lured, "lured", "169.254.169.254:80", "8.8.8.8:53", "127.0.0.1:22")
    _known(here, stern, "stern", f"{address(3)}:{PORT}")
    with Lan(4) as lan:
        lan.black_hole(4)
        nodes = [Light(lan, 1, here), Light(lan, 2, well), Light(lan, 3, stern)]
        for node in nodes:
            node.begun()
        nodes[0].sees(nodes[1])
        found = examine(lan, here.folder.parent)
    assert found["network"]["state"] == found["peer port"]["state"] == "ok"
    assert address(1) in found["network"]["detail"]
    assert found["multicast"]["detail"] == "sent, and heard from 2 of 6 peers"
    assert found["peer well"]["state"] == "ok"
    expected = {
        "off": ("TCP: refused", "firewall"),
        "gone": ("TCP: no answer", "ufw allow"),
        "other": ("somebody else answers", "installed anew"),
        "lured": ("on no network of this machine", "--at"),
        "stern": ("breaks the connection off", "invite"),
    }
    for name, (detail, advice) in expected.items():
        check = found[f"peer {name}"]
        assert check["state"] == "fail", check
        assert detail in check["detail"]
        assert advice in check["advice"]


def test_without_multicast_it_says_so_and_reaches_the_peer(
    namespaces: None, tmp_path: Path
) -> None:
    here, there = machine(tmp_path / "1" / "lan"), machine(tmp_path / "2" / "lan")
    pair(here, there)
    _known(here, there, "there", f"{address(2)}:{PORT}")
    with Lan(2) as lan:
        lan.multicast(on=False)
        lan.run(1, ["ip", "neigh", "flush", "all"])
        Light(lan, 2, there).begun()
        found = examine(lan, here.folder.parent)
    assert found["peer port"]["state"] == found["multicast"]["state"] == "warn"
    assert "heard from 0 of 1" in found["multicast"]["detail"]
    assert found["peer there"]["state"] == "ok"


def test_who_is_not_paired_is_told_how(namespaces: None, tmp_path: Path) -> None:
    with Lan(1) as lan:
        found = examine(lan, tmp_path)
    assert found["lan"]["state"] == "skip"
    assert "invite" in found["lan"]["advice"]
