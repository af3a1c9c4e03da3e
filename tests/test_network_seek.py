"""Where `join` looks for the inviter when nobody has said where it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from local_swarm.errors import LanError
from local_swarm.network import addresses, seek
from local_swarm.network.addresses import Link
from local_swarm.network.code import parse
from local_swarm.network.pairing import Place

from .test_lan_node import soon, started


class Told:
    """Multicast that tells of these addresses at once."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def find(self, device_id: str, timeout_s: float) -> tuple[str, ...]:
        return self.addresses


def test_two_nodes_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with started(tmp_path / "a") as a, started(tmp_path / "b") as b:
            made = await a.invite(trust=False)
            there = a.peers().port
            monkeypatch.setattr(seek, "_NEAR", [1, there])
            peer = await b.join(made.code, None, trust=False)
            assert peer.id == a.peers().id and peer.addresses == (f"127.0.0.1:{there}",)
            # what others tell never leads to ourselves; this was seen by this machine
            await soon(lambda: a.peers().peers[0].state == b.peers().peers[0].state == "up")

    asyncio.run(main())


def test_the_ports_nearby_are_those_of_the_inviter_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with (
            started(tmp_path / "a") as a,
            started(tmp_path / "b") as b,
            started(tmp_path / "c") as c,
        ):
            made = await a.invite(trust=False)
            await c.invite(trust=False)
            monkeypatch.setattr(seek, "_NEAR", [1, c.peers().port])
            with pytest.raises(LanError, match="not found") as told:
                await b.join(made.code, None, trust=False)
            assert "--at" in told.value.full and "doctor --lan" in told.value.full

    asyncio.run(main())


def test_what_multicast_tells_of_this_machine_is_another_node_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = frozenset({Link("eth0", "192.168.1.5/24"), Link("eth0", "fe80::5/64")})
    monkeypatch.setattr(addresses, "links", lambda: ours)
    monkeypatch.setattr(seek, "_NEAR", [])
    code = parse(f"LS1-{'A' * 26}-{'A' * 16}")

    def places(*told: str) -> list[Place]:
        discovery: Any = Told(*told)
        return asyncio.run(seek.places(code, discovery, 17601))

    assert places("192.168.1.5:17602") == [
        Place("127.0.0.1:17602", listed=True), Place("192.168.1.5:17602", listed=True)
    ]  # fmt: skip
    assert places("192.168.1.5:17601", "[fe80::5%2]:17601") == []  # this very node
    assert places("192.168.1.6:17601", "8.8.8.8:1", "169.254.169.254:80") == [
        Place("192.168.1.6:17601")
    ]
