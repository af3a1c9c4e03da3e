"""The peer port over real sockets: who gets in, who does not, and who is thrown out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from local_swarm.errors import LanError
from local_swarm.network import transport
from local_swarm.network.book import Peer
from local_swarm.network.server import PeerServer
from tests.lan_peers import WHO, forge, machine, pair, serving

# What is left open is told when it is collected; other tests do not listen (pyproject.toml).
LEAKS = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")


def test_a_member_is_known_by_its_certificate(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with serving(b) as server, a.client(b, server.port) as http:
            for _ in range(2):
                response = await http.get("/peer/v1/who")
                assert response.json() == {"peer": a.identity.device_id}
            assert (await http.get("/v1/models")).status_code == 404

    asyncio.run(main())


def test_no_answer_waits_for_an_acknowledgement(tmp_path: Path) -> None:
    """With Nagle's algorithm every request on a kept connection takes 40 ms more."""

    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with serving(b) as server, a.client(b, server.port) as http:
            await http.get("/peer/v1/who")
            (connection,) = server._connections
            taken = connection.transport.get_extra_info("socket")
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    asyncio.run(main())


def test_who_joins_later_is_let_in_without_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        async with serving(b) as server:
            async with a.client(b, server.port) as http:
                with pytest.raises(httpx.TransportError):
                    await http.get("/peer/v1/who")
            b.book.put(a.as_peer)
            async with a.client(b, server.port) as http:
                assert (await http.get("/peer/v1/who")).status_code == 200

    asyncio.run(main())


def test_nothing_is_sent_to_whoever_has_another_certificate(tmp_path: Path) -> None:
    """The server stands in for one that took over the address of a peer."""

    async def main() -> None:
        a, b, rogue = (machine(tmp_path / name) for name in "abc")
        pair(a, b, rogue)
        got: list[str] = []

        async def steal(request: Request) -> JSONResponse:
            got.append((await request.body()).decode())
            return JSONResponse({})

        async with (
            serving(rogue, [Route("/{path:path}", steal, methods=["POST"])]) as server,
            a.client(b, server.port) as http,
        ):
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await http.post("/peer/v1/ballots", content=b"secret")
        assert got == []

    asyncio.run(main())


def test_a_certificate_that_a_member_has_signed_lets_nobody_in(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        minted = forge(tmp_path / "minted.pem", by=a.identity)
        async with (
            serving(b) as server,
            transport.client(minted.identity, b.as_peer, f"127.0.0.1:{server.port}") as http,
        ):
            with pytest.raises(httpx.TransportError):
                await http.get("/peer/v1/who")

    asyncio.run(main())


def test_an_authority_in_the_book_lets_nobody_else_in(tmp_path: Path) -> None:
    """The book takes no such certificate; were one in it, TLS would trust whom it has signed, and
    the book still would not."""

    async def main() -> None:
        b, authority = machine(tmp_path / "b"), forge(tmp_path / "ca.pem", ca=True)
        b.book.put(Peer(authority.identity.device_id, "ca", authority.certificate))
        minted = forge(tmp_path / "minted.pem", by=authority)
        async with serving(b) as server:
            address = f"127.0.0.1:{server.port}"
            async with transport.client(authority.identity, b.as_peer, address) as http:
                assert (await http.get("/peer/v1/who")).status_code == 200
            async with transport.client(minted.identity, b.as_peer, address) as http:
                with pytest.raises(httpx.TransportError):
                    await http.get("/peer/v1/who")

    asyncio.run(main())


def test_strangers_reach_their_own_routes_only(tmp_path: Path) -> None:
    async def main() -> None:
        b = machine(tmp_path / "b")

        async def echo(request: Request) -> JSONResponse:
            return JSONResponse(len(await request.body()))

        routes = [Route("/peer/v1/pair", echo, methods=["POST"])]
        async with (
            serving(b, strangers=routes) as server,
            transport.stranger(b.identity.certificate, f"127.0.0.1:{server.port}") as http,
        ):
            assert (await http.post("/peer/v1/pair", content=b"abc")).json() == 3
            assert (await http.get("/peer/v1/who")).status_code == 403
            huge = await http.post("/peer/v1/pair", content=bytes(20_000))
            assert huge.status_code == 413 and huge.json()["error"]["code"] == "refused"

    asyncio.run(main())


def test_only_so_many_strangers_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        b = machine(tmp_path / "b")
        context = transport.pinned(b.identity.certificate)
        async with serving(b) as server:
            opened = [
                await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
                for _ in range(16)
            ]
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
            assert await reader.read() == b""
            assert not any(first.at_eof() for first, _ in opened)
            for _, other in [*opened, (reader, writer)]:
                other.close()
            await asyncio.gather(
                *(other.wait_closed() for _, other in opened), return_exceptions=True
            )

    asyncio.run(main())


def test_who_never_shakes_hands_keeps_nobody_else_out(tmp_path: Path) -> None:
    """Eight half-open connections of one host are borne; more are closed, and members get in
    from elsewhere, or as soon as one of the eight has gone."""

    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with serving(b) as server:
            opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
            ends = [asyncio.create_task(reader.read()) for reader, _ in opened]
            waiting = set(ends)
            while len(waiting) > 8:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert len(waiting) == 8
            for _, writer in opened:
                writer.close()
            await asyncio.gather(*ends, return_exceptions=True)
            async with a.client(b, server.port) as http:
                assert (await http.get("/peer/v1/who")).status_code == 200

    asyncio.run(main())


def test_a_removed_member_is_cut_off_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        ended = asyncio.Event()

        async def lines() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"{}\n"
                    await asyncio.sleep(0.01)
            finally:
                ended.set()

        async def endless(request: Request) -> StreamingResponse:
            return StreamingResponse(lines())

        async with (
            serving(b, [WHO, Route("/peer/v1/ballots", endless)]) as server,
            a.client(b, server.port) as http,
        ):
            assert (await http.get("/peer/v1/who")).status_code == 200  # a connection kept open
            with pytest.raises(httpx.TransportError):
                async with http.stream("GET", "/peer/v1/ballots") as response:
                    async for _ in response.aiter_bytes():
                        b.book.remove(a.identity.device_id)
            await asyncio.wait_for(ended.wait(), 5)
            with pytest.raises(httpx.TransportError):
                await http.get("/peer/v1/who")

    asyncio.run(main())


def test_work_for_a_removed_member_is_cancelled(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        begun, ended = asyncio.Event(), asyncio.Event()

        async def slow(request: Request) -> JSONResponse:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()
            return JSONResponse({})

        async with serving(b, [Route("/slow", slow)]) as server, a.client(b, server.port) as http:
            asking = asyncio.create_task(http.get("/slow"))
            await asyncio.wait_for(begun.wait(), 5)
            b.book.remove(a.identity.device_id)
            await asyncio.wait_for(ended.wait(), 5)
            with pytest.raises(httpx.TransportError):
                await asking

    asyncio.run(main())


@pytest.mark.parametrize("speak", ["TLS 1.2", "plain HTTP"])
def test_nothing_older_than_tls_1_3(tmp_path: Path, speak: str) -> None:
    async def main() -> None:
        b = machine(tmp_path / "b")
        async with serving(b) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            scheme = "https" if speak == "TLS 1.2" else "http"
            async with httpx.AsyncClient(verify=context, trust_env=False) as http:
                with pytest.raises(httpx.TransportError):
                    await http.get(f"{scheme}://127.0.0.1:{server.port}/peer/v1/who")

    asyncio.run(main())


def test_what_fails_in_a_route_is_told_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)

        async def fails(request: Request) -> JSONResponse:
            raise ValueError("a prompt")

        async def refuses(request: Request) -> JSONResponse:
            raise LanError("Not today.")

        routes = [Route("/fails", fails), Route("/refuses", refuses)]
        async with serving(b, routes) as server, a.client(b, server.port) as http:
            failed = await http.get("/fails")
            assert failed.status_code == 500 and "a prompt" not in failed.text
            refused = await http.get("/refuses")
            assert refused.json()["error"] == {"code": "lan_error", "message": "Not today."}

    asyncio.run(main())
    assert "a prompt" not in caplog.text and "ValueError" in caplog.text


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        async with serving(a) as server:
            port = server.port
            assert port is not None
            other = PeerServer(b.identity, b.book, [])
            with pytest.raises(LanError, match="cannot be opened") as told:
                await other.start("127.0.0.1", port)
            assert "--peer-port" in told.value.hint
            await other.close()
        with pytest.raises(LanError, match="cannot be opened"):
            await other.start("no.such.host.invalid", 0)
        with pytest.raises(LanError, match="cannot be opened"):
            await other.start("127.0.0.1", 99999)

    asyncio.run(main())


def test_all_interfaces_of_both_families(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        server = PeerServer(b.identity, b.book, [WHO])
        await server.start("", 0)
        try:
            async with a.client(b, server.port) as http:
                assert (await http.get("/peer/v1/who")).status_code == 200
            if socket.has_dualstack_ipv6():
                address = f"[::1]:{server.port}"
                async with transport.client(a.identity, b.as_peer, address) as http:
                    assert (await http.get("/peer/v1/who")).status_code == 200
        finally:
            await server.close()
        assert server.port is None

    asyncio.run(main())


def test_closing_ends_answers_under_way(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        begun = asyncio.Event()

        async def stuck(request: Request) -> JSONResponse:
            begun.set()
            await asyncio.sleep(60)
            return JSONResponse({})

        async with a.client(b, 1) as http:
            async with serving(b, [Route("/stuck", stuck)]) as server:
                http.base_url = httpx.URL(f"https://127.0.0.1:{server.port}")
                asking = asyncio.create_task(http.get("/stuck"))
                await asyncio.wait_for(begun.wait(), 5)
            with pytest.raises(httpx.TransportError):
                await asking
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_renamed_member_keeps_its_connection(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        async with serving(b) as server, a.client(b, server.port) as http:
            await http.get("/peer/v1/who")
            b.book.put(replace(a.as_peer, name="kitchen", trusted=True))
            response = await http.get("/peer/v1/who")
            assert response.status_code == 200

    asyncio.run(main())


@LEAKS
def test_closing_leaves_no_connection_that_came_at_that_moment(tmp_path: Path) -> None:
    async def main() -> None:
        b = machine(tmp_path / "b")
        for turns in range(12):
            async with serving(b) as server:
                assert server.port
                callers = [socket.socket() for _ in range(4)]
                for caller in callers:
                    caller.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        caller.connect(("127.0.0.1", server.port))
                for _ in range(turns):
                    await asyncio.sleep(0)
            for caller in callers:
                caller.close()
        gc.collect()

    asyncio.run(main())
    gc.collect()


@LEAKS
def test_who_is_cancelled_in_the_middle_of_a_handshake_hangs_up(tmp_path: Path) -> None:
    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        begun, gone = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.read(1)  # of its hello
            begun.set()
            await reader.read()
            gone.set()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server, a.client(b, server.sockets[0].getsockname()[1]) as http:
            asking = asyncio.create_task(http.get("/peer/v1/who"))
            await asyncio.wait_for(begun.wait(), 5)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.wait_for(gone.wait(), 5)

    asyncio.run(main())


def test_faulty_callers_leave_nothing_behind(tmp_path: Path) -> None:
    """Plain words, half a handshake, a hang-up at any moment: no task and no socket is left."""

    async def main() -> None:
        a, b = machine(tmp_path / "a"), machine(tmp_path / "b")
        pair(a, b)
        open_context = transport.pinned(b.identity.certificate)
        begun, left = asyncio.Event(), psutil.Process().num_fds

        async def stuck(request: Request) -> JSONResponse:
            begun.set()
            await request.body()
            await asyncio.sleep(60)
            return JSONResponse({})

        async def fault(port: int, number: int) -> None:
            tls = open_context if number % 4 > 1 else None
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            words = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02", b"\0" * 9000, b""][number % 4]
            writer.write(words)
            if number % 8 == 0:
                await reader.read()
            writer.transport.abort()

        async with serving(b, [WHO, Route("/stuck", stuck, methods=["POST"])]) as server:
            assert server.port
            async with a.client(b, server.port) as http:
                await http.get("/peer/v1/who")
                before, tasks = left(), len(asyncio.all_tasks())
                for start in range(0, 1000, 4):
                    ways = (fault(server.port, start + n) for n in range(4))
                    await asyncio.gather(*ways, return_exceptions=True)
                async with a.client(b, server.port) as other:
                    asking = asyncio.create_task(other.post("/stuck", content=b"x"))
                    await begun.wait()
                    b.book.remove(a.identity.device_id)
                    await asyncio.gather(asking, return_exceptions=True)
                b.book.put(a.as_peer)
            async with a.client(b, server.port) as http:
                assert (await http.get("/peer/v1/who")).status_code == 200
                async with asyncio.timeout(20):
                    while left() > before or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)

    asyncio.run(main())
