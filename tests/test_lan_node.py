"""The LAN of a node as a whole: closed at first, opened by pairing, told by the commands."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from typer.testing import CliRunner

from local_swarm.cli.app import app
from local_swarm.errors import LanError, UsageError
from local_swarm.models.store import demo_path
from local_swarm.network.lan import Facts, Home, Lan, LanConfig, place
from local_swarm.network.mode import Mode
from local_swarm.wire import runtime
from tests.conftest import Running, planned, running
from tests.lan_peers import machine, pair, serving

FACTS = Home("1.2.3", lambda: Facts(("demo",), 3, 40.0, 1, 0))


def config(folder: Path, mode: Mode = Mode.PARTICIPANT, port: int = 0, *listed: str) -> LanConfig:
    return LanConfig(folder, mode, "127.0.0.1", port, False, listed)


@asynccontextmanager
async def started(
    folder: Path, mode: Mode = Mode.PARTICIPANT, port: int = 0, *listed: str
) -> AsyncIterator[Lan]:
    lan = Lan(config(folder, mode, port, *listed))
    await lan.start(FACTS)
    try:
        yield lan
    finally:
        await lan.close()


def where(lan: Lan) -> str:
    return f"127.0.0.1:{lan.peers().port}"


async def join(lan: Lan, inviter: Lan) -> None:
    made = await inviter.invite(trust=False)
    assert made.addresses == (where(inviter),)
    await lan.join(made.code, where(inviter), trust=False)


async def soon(happens: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happens():  # noqa: ASYNC110 - what happens is on the other side of a socket
            await asyncio.sleep(0.02)


def test_nothing_is_open_imported_or_written_before_somebody_is_paired(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from local_swarm.network.lan import Home, Lan, LanConfig
async def main():
    lan = Lan(LanConfig(Path({str(tmp_path / "lan")!r})))
    await lan.start(Home())
    print(lan.peers().port, lan.trouble)
    await lan.close()
asyncio.run(main())
print(*sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, modules = told.stdout.splitlines()
    assert first == "None None"
    assert not {"zeroconf", "cryptography", "uvicorn", "httpx"} & set(modules.split())
    assert not (tmp_path / "lan").exists()


def test_three_machines_learn_of_each_other_and_of_a_removal(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            started(tmp_path / "a") as a,
            started(tmp_path / "b") as b,
            AsyncExitStack() as more,
        ):
            await join(b, a)
            # Nobody dials loopback because a peer told of it; its owner may.
            third_lan = started(tmp_path / "c", Mode.PARTICIPANT, 0, where(b))
            c = await more.enter_async_context(third_lan)
            await soon(lambda: a.peers().peers[0].state == b.peers().peers[0].state == "up")
            told = a.peers().peers[0]
            assert (told.models, told.seats, told.version) == (("demo",), 3, "1.2.3")
            await join(c, a)
            third = c.peers().id
            assert third
            await soon(lambda: {p.id for p in b.peers().peers if p.state == "up"} >= {third})
            await soon(lambda: all(p.state == "up" for p in c.peers().peers))
            assert len(c.peers().peers) == 2

            a.rename(third[:8], "attic")
            with pytest.raises(UsageError, match="cannot be called"):
                a.rename(told.id, "attic")
            a.remove(third[:8])
            await soon(lambda: b.peers().removed == (third,))
            await soon(lambda: not any(p.state == "up" for p in c.peers().peers))
            assert third not in {p.id for p in (*a.peers().peers, *b.peers().peers)}
            # Its owner's word brings it back where it is given, and only there.
            await join(c, a)
            assert third in {p.id for p in a.peers().peers}
            await soon(lambda: any(p.state == "up" for p in c.peers().peers))
            assert b.peers().removed == (third,)

    asyncio.run(main())


def test_a_paired_machine_opens_the_lan_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path / "a") as a, started(tmp_path / "b") as b:
            await join(b, a)
            ids = (a.peers().id, b.peers().id)
        async with started(tmp_path / "a") as a:
            assert a.peers().port is not None and a.trouble is None
            assert (a.peers().id, a.peers().peers[0].id) == ids
            a.rename(a.peers().peers[0].name, "kitchen")
            a.trust("kitchen", True)
            assert a.peers().peers[0].trusted
            for name in ("", " "):
                with pytest.raises(UsageError, match="cannot be called"):
                    a.rename("kitchen", name)
        # beside no node, on the files alone
        alone = Lan(config(tmp_path / "a"))
        assert alone.peers().port is None
        assert alone.trust("kitchen", False).trusted is False
        assert alone.remove("kitchen").id == ids[1]
        assert alone.peers().removed == (ids[1],)
        with pytest.raises(LanError, match="not ready"):
            await alone.invite(trust=False)

    asyncio.run(main())


def test_what_keeps_the_lan_shut_is_told_and_stops_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with serving(b) as other:
            assert other.port
            async with started(tmp_path / "a", port=other.port) as lan:
                assert lan.trouble and "cannot be opened" in lan.trouble
                assert lan.peers().port is None and len(lan.peers().peers) == 1
                with pytest.raises(LanError, match="cannot be opened"):
                    await lan.invite(trust=False)
                with pytest.raises(LanError, match="Nothing is changed"):
                    lan.remove(b.identity.device_id)
        (tmp_path / "a" / "peers.json").write_text("{")
        async with started(tmp_path / "a") as lan:
            assert lan.trouble and "damaged" in lan.trouble
            for asked in (lan.peers, lambda: lan.remove("b"), lambda: lan.trust("b", True)):
                with pytest.raises(LanError, match="damaged"):
                    asked()
        assert (tmp_path / "a" / "peers.json").read_text() == "{"

    asyncio.run(main())


def test_a_second_node_with_the_same_folder_stays_shut(tmp_path: Path) -> None:
    """It would have the same identity, and write over the same book."""

    async def main() -> None:
        async with started(tmp_path / "a") as a, started(tmp_path / "b") as b:
            await join(b, a)
            async with started(tmp_path / "a") as again:
                assert again.trouble and "Another node runs with" in again.trouble
                assert "LOCAL_SWARM_HOME" in again.trouble and again.peers().port is None
                with pytest.raises(LanError, match="Nothing is changed"):
                    again.remove(b.peers().id or "")
        async with started(tmp_path / "a") as a:  # the first one has ended
            assert a.trouble is None and a.peers().port

    asyncio.run(main())


def test_a_standalone_node_opens_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with started(tmp_path / "a", Mode.STANDALONE) as lan:
            assert lan.peers().port is None and lan.trouble is None
            for asked in (
                lan.invite(trust=False),
                lan.join(f"LS1-{'A' * 26}-{'B' * 16}", "x:1", trust=False),
            ):
                with pytest.raises(UsageError, match="standalone"):
                    await asked

    asyncio.run(main())


def test_a_machine_steps_back_when_paused_or_on_battery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with started(tmp_path / "a") as a, started(tmp_path / "b") as b:
            await join(b, a)
            b.pause(True)
            await soon(lambda: a.peers().peers[0].state == "busy")
            b.pause(False)
            assert b.willing() is None

    # No machine of the tests has a battery.
    plugged = SimpleNamespace(power_plugged=True)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: plugged, raising=False)
    asyncio.run(main())
    plugged.power_plugged = False
    assert Lan(config(tmp_path / "c")).willing() == "on battery"
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None)
    assert Lan(config(tmp_path / "c")).willing() is None


def test_join_checks_what_was_typed_before_anything_is_opened(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path / "a") as lan:
            for code, at in (("LS1-x", None), (f"LS1-{'A' * 26}-{'B' * 16}", "a b")):
                with pytest.raises(UsageError):
                    await lan.join(code, at, trust=False)
            assert lan.peers().port is None
            with pytest.raises(LanError, match="not found"):
                await lan.join(f"LS1-{'A' * 26}-{'B' * 16}", None, trust=False)

    asyncio.run(main())
    assert not (tmp_path / "a" / "peers.json").exists()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("192.168.1.20", "192.168.1.20:17601"),
        (" box.local:99/", "box.local:99"),
        ("https://box:99", "box:99"),
        ("fe80::1%eth0", "[fe80::1%eth0]:17601"),
        ("[::1]:5", "[::1]:5"),
        ("[::1]", "[::1]:17601"),
        ("", None),
        ("box:port", None),
        ("box:70000", None),
        ("http://box", None),
        ("user@box", None),
    ],
)
def test_an_address_as_people_type_it(typed: str, read: str | None) -> None:
    if read is None:
        with pytest.raises(UsageError, match="no address"):
            place(typed)
    else:
        assert place(typed) == read


@contextmanager
def demo(home: Path, mode: Mode = Mode.PARTICIPANT) -> Iterator[Running]:
    made = planned(demo_path(), seats=3)
    made = replace(made, spec=replace(made.spec, id="demo"))
    lan = Lan(config(home / "lan", mode))
    with running(home, made, demo_path(), lan=lan) as it:
        yield it


class Command:
    """The command line of the owner of a home."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self._home, self._patch = home, patch

    def __call__(self, *words: str) -> str:
        """What a command prints; its error when it fails."""
        self._patch.setenv("LOCAL_SWARM_HOME", str(self._home))
        self._patch.delenv("LOCAL_SWARM_PORT", raising=False)
        done = CliRunner().invoke(app, words, catch_exceptions=True)
        return str(done.exception) if isinstance(done.exception, Exception) else done.stdout


def test_two_nodes_are_paired_by_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (Command(tmp_path / name, monkeypatch) for name in "ab")
    with demo(tmp_path / "a") as one, demo(tmp_path / "b", Mode.PROVIDER) as other:
        assert "peer port shut" in a("peers") and "No peers yet" in a("peers")
        line = a("invite", "--trust").split()
        assert line[:2] == ["local-swarm", "join"] and line[3] == "--trust"
        port = json.loads(a("peers", "--json"))["port"]
        assert "Paired with" in b(*line[1:], "--at", f"127.0.0.1:{port}")
        assert "used already" in b(*line[1:], "--at", f"127.0.0.1:{port}")
        deadline = time.monotonic() + 20
        while (seen := json.loads(a("peers", "--json"))["peers"][0])["state"] != "up":
            assert time.monotonic() < deadline, seen
        assert seen["trusted"] and (seen["seats"], seen["models"]) == (3, ["demo"])
        # A participant asks its peers, a provider does not.
        whole = {"early_stop": False, "deadline_s": 60}
        told = [it.chat(temperature=0.05, swarm=whole).json() for it in (one, other)]
        votes = [answer["swarm"] for answer in told]
        assert [(vote["machines"], vote["ballots"]) for vote in votes] == [(2, 6), (1, 3)]
        assert "3 of 3 agreed" in a("peers")
        assert ": up, demo, 3 seats" in a("status")
        assert "1 of 1 peers answer" in a("status") and "1 of 1 answer" in a("top", "--once")
        assert "It is called kitchen now" in a("peers", "rename", seen["id"][:9], "kitchen")
        assert "kitchen must prove itself" in a("peers", "trust", "kitchen", "--no")
        assert "kitchen" in a("peers") and "provider" in b("peers")
        assert "not answered" in a("pause") and ", paused" in a("peers")
        assert "are answered" in a("resume")
        assert "No peer is called" in a("peers", "remove", "cellar")
        assert "kitchen is removed" in a("peers", "remove", "kitchen")
        assert "LS1" in json.loads(a("invite", "--json"))["code"]
        assert "That is no code" in b("join", "LS1-nonsense")
    assert "No node answers" in a("invite")
    assert "peer port shut" in b("peers") and "trusted" in b("peers")
    assert "is removed" in b("peers", "remove", json.loads(b("peers", "--json"))["peers"][0]["id"])


def test_a_headless_node_answers_nobody_but_its_peers_and_owner(tmp_path: Path) -> None:
    with demo(tmp_path, Mode.HEADLESS) as it:
        assert it.http.get("/health").json() == {"status": "ok"}
        assert it.chat().status_code == 404
        for path in ("/", "/v1/models", "/api/tags"):
            assert it.http.get(path).status_code == 404
        paths = [("GET", "peers"), ("POST", "invite"), ("POST", "join"), ("POST", "pause")]
        paths += [("POST", f"peers/{what}") for what in ("remove", "rename", "trust")]
        for method, path in paths:
            refused = it.http.request(method, f"/swarm/{path}", json={})
            assert refused.json()["error"]["code"] == "forbidden_control", path
        (entry,) = runtime.running(it.settings.nodes)
        token = {"X-Control-Token": entry.token}
        assert it.http.get("/swarm/peers", headers=token).json()["mode"] == "headless"
        bad = it.http.post("/swarm/join", headers=token, json={"code": 1})
        assert bad.status_code == 400
