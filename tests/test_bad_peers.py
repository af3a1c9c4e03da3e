"""A paired machine does its worst: home's answer is there by its grace, and nothing is left."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from local_swarm.network import hello, reach, serving, stream, transport
from local_swarm.network.book import Peer
from local_swarm.network.desk import Desk

from . import bad_peer
from .bad_ways import POLLS, WAYS
from .lan_peers import WHO, Machine, machine, pair
from .lan_peers import serving as port_of
from .lan_votes import House, Seats, Seen
from .test_network_vote import run

# What home may have read, and what lay in buffers on the way.
_TAKEN = 32 << 20
_HARMLESS = {"answers unasked", "ballots after the end", "long texts", "accepts for ever"}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_a_peer_does_home_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(stream, "HEAD_S", 1.0)

    async def test(it: House) -> None:
        other = machine(tmp_path / "bad")
        pair(it.home, other)
        bad = await it.stack.enter_async_context(bad_peer.serving(other, way, it.home))
        client = it.home.client(other, bad.port)
        await it.stack.enter_async_context(client)
        told = Peer(other.identity.device_id, "bad", other.identity.certificate, trusted=False)
        it.members.seen.append(Seen(told, 8))
        it.members.clients[told.id] = client
        done = await it.ask(early_stop=False)
        verdict = done.verdict
        assert done.answer.text == "5" and len(bad.asked) in (1, 2)
        at_home = [ballot for ballot in verdict.ballots if ballot.machine == "home"]
        assert len(at_home) == 4 and verdict.cast <= 12
        weights = {group.key: group.weight for group in verdict.groups}
        assert weights.pop("number:5") >= 3 and sum(weights.values()) <= 1 + 1
        if way not in _HARMLESS:
            assert [one.why for one in verdict.absent], verdict
        assert bad.sent < _TAKEN

    run(tmp_path, ["5", "5", "5", "6"], test, grace_s=0.7, grace_share=0.0)


_WHY = {"packed polls": "packed", "polls without end": "too large", "dripping polls": ""}


@pytest.mark.parametrize("way", POLLS)
def test_a_poll_is_short_in_bytes_and_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "dripping polls":
        monkeypatch.setattr(reach, "_LONGEST_S", 1.0)

    async def main() -> None:
        home, other = machine(tmp_path / "home"), machine(tmp_path / "bad")
        pair(home, other)
        async with (
            asyncio.timeout(20),
            bad_peer.serving(other, way, home) as bad,
            home.client(other, bad.port) as client,
        ):
            with pytest.raises((ValueError, TimeoutError)) as told:
                await reach.poll(client)
            assert _WHY[way] in str(told.value)
            assert bad.sent < 16 << 20

    asyncio.run(main())


_GET = b"GET /peer/v1/who HTTP/1.1\r\nHost: x\r\n"
_POST = b"POST /peer/v1/ballots HTTP/1.1\r\nHost: x\r\n"
ASKED = {
    "a header without end": _GET + b"X: " + b"x" * (1 << 20),
    "headers without end": _GET + b"X: x\r\n" * 50_000,
    "two lengths": _POST + b"Content-Length: 3\r\nContent-Length: 30\r\n\r\n{}\n",
    "smuggled": _POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _GET,
    "no length": _POST + b"Content-Length: -1\r\n\r\n{}",
    "a length of thirty digits": _POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "a chunk of all memory": _POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    "a packed transfer": _POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a name that is none": b"GET /peer/v1/who HTTP/1.1\r\n\0: x\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade": _GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a thousand at once": (_GET + b"\r\n") * 1000,
    "a way out": b"GET /peer/v1/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a head": _GET,
    "half a body": _POST + b"Content-Length: 1000\r\n\r\n{",
    "a body without end": _POST + b"Transfer-Encoding: chunked\r\n\r\n"
    + (b"100000\r\n" + b"x" * (1 << 20) + b"\r\n") * 9,
}  # fmt: skip


def test_whatever_a_member_asks_the_port_serves_the_others(tmp_path: Path) -> None:
    """Each of it four times beside each other, the connections kept."""

    async def attack(me: Machine, to: Machine, port: int, words: bytes) -> asyncio.StreamWriter:
        tls = transport.pinned(to.identity.certificate, me.identity)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        with suppress(OSError):
            writer.write(words)
            async with asyncio.timeout(0.2):
                while await reader.read(1 << 16):
                    pass
        return writer

    async def main() -> None:
        home, bad, good = (machine(tmp_path / name) for name in ("home", "bad", "good"))
        pair(home, bad)
        pair(home, good)
        answered = serving.routes(Seats(["5"]).cast, lambda: ("m",), Desk())
        async with port_of(home, [WHO, *answered]) as server:
            assert server.port
            async with good.client(home, server.port) as http:
                await http.get("/peer/v1/who")
                tasks, sockets = len(asyncio.all_tasks()), psutil.Process().num_fds()
                for words in ASKED.values():
                    port = server.port
                    ways = (attack(bad, home, port, words) for _ in range(4))
                    made = await asyncio.gather(*ways)
                    assert (await http.get("/peer/v1/who")).status_code == 200
                    for writer in made:
                        writer.transport.abort()
                async with asyncio.timeout(20):
                    left = psutil.Process().num_fds
                    while len(asyncio.all_tasks()) > tasks or left() > sockets:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)

    asyncio.run(main())


def test_what_a_machine_tells_of_itself_steers_no_terminal() -> None:
    told = hello.read(b'{"port": 1, "models": ["\\u001b[2Jm"], "version": "1\\r2", "load": {}}')
    assert (told.models, told.version) == (("?[2Jm",), "1?2")
