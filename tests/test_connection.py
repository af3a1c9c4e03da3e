"""A connection a request: what comes, what goes wrong, and that nothing stays open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from local_swarm.wire.connection import OneConnection

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"


class Server:
    """Answers every request with `says`; `heard` is what was asked, `open` how many callers are
    there, `empty` is set while there are none."""

    def __init__(self, says: bytes, *, stays: bool = False) -> None:
        self._says, self._stays = says, stays
        self.heard, self.open, self.empty = b"", 0, asyncio.Event()
        self.empty.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.empty.clear()
        try:
            self.heard = await reader.readuntil(b"\r\n\r\n")
            writer.write(self._says)
            if self._stays:
                await reader.read(-1)  # until the caller hangs up
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()
            if not self.open:
                self.empty.set()


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with await asyncio.start_server(server.answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        timeout = httpx.Timeout(0.2, connect=5)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", transport=OneConnection(), timeout=timeout,
            trust_env=False,
        ) as http:  # fmt: skip
            yield http


def test_chunks_come_and_the_connection_goes() -> None:
    async def run() -> None:
        server = Server(CHUNKS + b"0\r\n\r\n", stays=True)
        async with serving(server) as http:
            response = await http.post("/v1/x?y=1", json={"a": "ä"}, headers={"X-Own": "b"})
            assert response.content == b"abcde" and response.http_version == "HTTP/1.1"
            await asyncio.sleep(0.05)
            assert server.open == 0
        head = server.heard.lower()
        assert head.startswith(b"post /v1/x?y=1 http/1.1") and b"x-own: b" in head
        assert head.count(b"connection:") == 1 and b"connection: close" in head

    asyncio.run(run())


def test_what_comes_is_handed_on_at_once_and_a_hang_up_is_heard() -> None:
    async def run() -> None:
        server = Server(CHUNKS, stays=True)
        async with serving(server) as http:
            async with http.stream("GET", "/") as response:
                assert [await anext(response.aiter_raw())] == [b"abc"]
            async with asyncio.timeout(5):
                await server.empty.wait()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("says", "stays", "fault"),
    [
        (b"", False, httpx.RemoteProtocolError),
        (b"nonsense\r\n\r\n", False, httpx.RemoteProtocolError),
        (CHUNKS, False, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", False, httpx.RemoteProtocolError),
        (b"", True, httpx.ReadTimeout),
        (CHUNKS, True, httpx.ReadTimeout),
    ],
)
def test_what_is_no_answer(says: bytes, stays: bool, fault: type[Exception]) -> None:
    async def run() -> None:
        server = Server(says, stays=stays)
        async with serving(server) as http:
            with pytest.raises(fault):
                await http.get("/")
            async with asyncio.timeout(5):
                await server.empty.wait()

    asyncio.run(run())


def test_a_refusal_is_read_although_the_body_was_not() -> None:
    async def run() -> None:
        refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
        async with serving(Server(refusal)) as http:
            response = await http.post("/", content=b"x" * 1000)
            assert (response.status_code, response.text) == (413, "no")

    asyncio.run(run())


def test_nobody_there() -> None:
    async def run() -> None:
        async with httpx.AsyncClient(transport=OneConnection(), trust_env=False) as http:
            with pytest.raises(httpx.ConnectError):
                await http.get("http://127.0.0.1:1/")

    asyncio.run(run())


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 5, 8])
def test_whenever_a_caller_leaves_nothing_stays_open(rounds: int) -> None:
    async def run() -> None:
        server = Server(CHUNKS, stays=True)
        async with serving(server) as http:
            for _ in range(20):
                asked = asyncio.create_task(http.get("/"))
                for _ in range(rounds):
                    await asyncio.sleep(0)
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
            await asyncio.sleep(0.05)
            async with asyncio.timeout(5):
                await server.empty.wait()

    asyncio.run(run())
