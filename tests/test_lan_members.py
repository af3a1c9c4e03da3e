"""Peers that watch each other over real mutual TLS on loopback."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local_swarm.network import hello, reach, transport
from local_swarm.network import members as members_room
from local_swarm.network.book import Peer
from local_swarm.network.hello import Health, Load
from local_swarm.network.member import Member
from local_swarm.network.members import Members
from local_swarm.network.reach import Knock
from local_swarm.network.standing import State
from tests.lan_peers import Machine, machine, pair, serving


@dataclass
class Live:
    """A machine on the LAN, without an engine."""

    of: Machine
    port: int = 0
    load: Load = field(default_factory=Load)
    members: Members | None = None
    pulled: list[str] = field(default_factory=list)

    def me(self) -> Health:
        return Health(
            port=self.port,
            models=("demo",),
            seats=3,
            load=self.load,
            membership=self.of.book.version,
        )

    def heard(self, id: str, address: str | None, health: Health | None) -> None:
        assert self.members is not None
        self.members.heard(id, address, health)

    async def pull(self, peer: Peer, client: httpx.AsyncClient) -> None:
        self.pulled.append(peer.id)

    def sees(self, other: Live) -> Member:
        assert self.members is not None
        (found,) = (it for it in self.members.states() if it.peer.id == other.of.identity.device_id)
        return found

    def knows(self, address: str, of: Live) -> None:
        """Writes an address of `of` into the book, as the user's word."""
        peer = self.of.book.get(of.of.identity.device_id)
        assert peer is not None
        self.of.book.put(replace(peer, listed=(address,)))


@asynccontextmanager
async def _alive(it: Machine) -> AsyncIterator[Live]:
    live = Live(it)
    connect = partial(transport.client, it.identity)
    live.members = Members(it.identity, it.book, connect, live.me, differs=live.pull)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(it, hello.routes(live.me, live.heard)))
        assert server.port
        live.port = server.port
        await stack.enter_async_context(live.members)
        yield live


async def _until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not what():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.02)


def _two(folder: Path) -> tuple[Machine, Machine]:
    machines = machine(folder / "a"), machine(folder / "b")
    pair(*machines)
    return machines


def test_one_address_on_one_side_is_enough(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        async with _alive(one) as a, _alive(two) as b:
            assert a.sees(b).state is State.DOWN
            a.knows(f"127.0.0.1:{b.port}", b)
            await _until(lambda: a.sees(b).askable and b.sees(a).askable)
            seen = a.sees(b)
            assert (seen.models, seen.seats, seen.trouble) == (("demo",), 3, None)
            assert seen.clock_s is None
            # The good address is remembered, and the list of members was asked for once.
            known = two.book.get(one.identity.device_id)
            assert known is not None
            assert known.addresses == (f"127.0.0.1:{a.port}",)
            await _until(lambda: a.pulled and b.pulled)
            assert a.pulled == [two.identity.device_id]

    asyncio.run(main())


def test_of_many_peers_some_are_looked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members_room, "_AT_ONCE", 3)
    it = machine(tmp_path / "it")
    others = [machine(tmp_path / str(number)) for number in range(12)]
    it.book.learn([replace(other.as_peer, addresses=("127.0.0.1:9",)) for other in others])
    most = now = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return httpx.Response(200, content=Health(port=1).model_dump_json())

    def connect(peer: Peer, address: str) -> httpx.AsyncClient:
        mock = httpx.MockTransport(answer)
        return httpx.AsyncClient(base_url=f"https://{address}", transport=mock)

    async def main() -> None:
        told = Members(
            it.identity, it.book, connect, lambda: Health(port=1), listed=("127.0.0.1:9",)
        )
        async with told:
            await _until(lambda: all(peer.state is State.UP for peer in told.states()))
        assert most == 3

    asyncio.run(main())


def test_a_failed_ballot_is_noticed_before_the_next_poll(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        async with _alive(one) as a, AsyncExitStack() as gone:
            b = await gone.enter_async_context(_alive(two))
            a.knows(f"127.0.0.1:{b.port}", b)
            await _until(lambda: a.sees(b).askable)
            assert a.members is not None
            id = two.identity.device_id
            client = a.members.client(id)
            assert client is not None
            a.members.failed(id)
            assert a.sees(b).state is State.SUSPECT
            await _until(lambda: a.sees(b).askable)  # it lives: a false alarm
            a.members.busy(id, 60)
            assert a.sees(b).state is State.BUSY
            await gone.aclose()
            await _until(lambda: a.sees(b).state is State.DOWN)
            assert a.members.client(id) is None
            assert "refuses" in str(a.sees(b).trouble)

    asyncio.run(main())


def test_a_busy_peer_says_so_itself(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        async with _alive(one) as a, _alive(two) as b:
            b.load = Load(running=1, waiting=1, free_in_s=30, why="on battery")
            a.knows(f"127.0.0.1:{b.port}", b)
            await _until(lambda: a.sees(b).state is State.BUSY)
            assert a.sees(b).load == b.load
            assert not a.sees(b).askable

    asyncio.run(main())


def test_a_removed_peer_is_forgotten_and_told_off(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        async with _alive(one) as a, _alive(two) as b:
            a.knows(f"127.0.0.1:{b.port}", b)
            await _until(lambda: a.sees(b).askable and b.sees(a).askable)
            one.book.remove(two.identity.device_id)
            assert a.members is not None
            assert a.members.states() == ()
            assert a.members.client(two.identity.device_id) is None
            await _until(lambda: b.sees(a).state is State.DOWN)
            assert b.sees(a).trouble

    asyncio.run(main())


def test_hints_are_followed_to_neighbours_only(tmp_path: Path) -> None:
    """Nobody is dialled at loopback, at a metadata service or behind a router for a hint."""

    async def main() -> None:
        one, two = _two(tmp_path)
        dialled: list[str] = []

        def connect(peer: Peer, address: str) -> httpx.AsyncClient:
            dialled.append(address)
            return transport.client(one.identity, peer, address)

        async with _alive(two) as b:
            live = Live(one, port=1)
            async with Members(one.identity, one.book, connect, live.me) as members:
                hints = ("169.254.169.254:80", f"127.0.0.1:{b.port}", "8.8.8.8:53", "0.0.0.0:22")
                members.found(two.identity.device_id[:12].lower(), hints)
                await asyncio.sleep(0.5)
                (seen,) = members.states()
                assert seen.trouble == "no address is known where it may be looked for"
                assert dialled == []

    asyncio.run(main())


def test_another_machine_at_the_address_gets_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        third = machine(tmp_path / "c")
        pair(one, third)
        heard: list[str] = []

        def hear(id: str, address: str | None, health: Health | None) -> None:
            heard.append(id)

        routes = hello.routes(lambda: Health(port=1), hear)
        async with serving(third, routes) as wrong, _alive(one) as a, _alive(two) as b:
            a.knows(f"127.0.0.1:{wrong.port}", b)
            await _until(lambda: a.sees(b).trouble not in (None, _NO_ADDRESS))
            assert a.sees(b).trouble == "somebody else answers at its address"
            assert heard == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RedirectResponse("http://169.254.169.254/"), "it answered with HTTP 307"),
        (JSONResponse({"port": 1, "oldest": 7, "newest": 9}), "it speaks another version"),
        (JSONResponse({}, 426), "it speaks another version"),
        (JSONResponse({}, 403), "it does not take this machine for a peer"),
        (JSONResponse({"port": 0}), "not the words of a machine of ours"),
        (Response(b"\xff" * 99), "not the words of a machine of ours"),
        (JSONResponse({"port": 1, "tokens_per_s": -1}), "not the words of a machine of ours"),
    ],
)
def test_strange_answers_are_told_and_not_followed(
    tmp_path: Path, answer: Response, told: str
) -> None:
    async def strange(request: Request) -> Response:
        return answer

    async def main() -> None:
        one, two = _two(tmp_path)
        routes = [Route(path, strange, methods=["GET", "POST"]) for path in ("/{rest:path}",)]
        async with serving(two, routes) as server, _alive(one) as a:
            peer = one.book.get(two.identity.device_id)
            assert peer is not None
            one.book.put(replace(peer, listed=(f"127.0.0.1:{server.port}",)))
            b = Live(two)
            await _until(lambda: a.sees(b).trouble not in (None, _NO_ADDRESS))
            assert str(a.sees(b).trouble).startswith(told)
            assert a.sees(b).state is State.DOWN

    asyncio.run(main())


_NO_ADDRESS = "no address is known where it may be looked for"


def test_what_a_stranger_version_says_in_hello_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        async with _alive(one) as a, two.client(one, a.port) as client:
            body = Health(port=5, oldest=9, newest=9).model_dump_json()
            assert (await client.post(hello.HELLO, content=body)).status_code == 426
            assert (await client.post(hello.HELLO, content=b"{}")).status_code == 400
            reply = await client.get(hello.HEALTH)
            assert hello.read(reply.content).seats == 3

    asyncio.run(main())


def test_a_machine_that_moved_is_found_at_its_new_port(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = _two(tmp_path)
        async with _alive(one) as a:
            async with _alive(two) as b:
                a.knows(f"127.0.0.1:{b.port}", b)
                await _until(lambda: b.sees(a).askable)
                b.knows(f"127.0.0.1:{a.port}", a)
                old = b.port
            async with _alive(two) as b:
                assert b.port != old
                await _until(
                    lambda: a.sees(b).askable and a.sees(b).address == f"127.0.0.1:{b.port}"
                )

    asyncio.run(main())


def test_hundreds_of_broken_connections_leave_no_socket_and_no_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the other side does, and whenever we give up."""
    monkeypatch.setattr(reach, "_STAGGER_S", 0.001)

    async def nasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        choice = random.randrange(4)
        if choice == 1:
            await reader.read(1)
        elif choice == 2:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.drain()
        elif choice == 3:
            await reader.read(600)
            writer.write(random.randbytes(600))
        writer.close()

    async def main() -> None:
        one, two = _two(tmp_path)
        process, me = psutil.Process(), Health(port=1)
        async with _alive(two) as b, await asyncio.start_server(nasty, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]

            def knock(address: str) -> Knock:
                client = transport.client(one.identity, two.as_peer, address)
                return Knock(address, client, fresh=True)

            async def search(place: int) -> bool:
                targets = [f"127.0.0.1:{port}"] * 5
                if place % 2:
                    targets[place % 5] = f"127.0.0.1:{b.port}"
                try:
                    async with asyncio.timeout(random.uniform(0.005, 0.1) if place % 3 else 10):
                        won, _ = await reach.first(targets, knock, me)
                except (*reach.FAULTS, TimeoutError):
                    return False
                await won.client.aclose()
                return True

            assert await search(3)
            tasks, files = len(asyncio.all_tasks()), process.num_fds()
            found = [await asyncio.gather(*map(search, range(k, k + 12))) for k in range(0, 72, 12)]
            assert any(map(any, found))
            await _until(lambda: len(asyncio.all_tasks()) <= tasks)
            gc.collect()
            await _until(lambda: process.num_fds() <= files)

    asyncio.run(main())
