"""HTTP/1.1 with a connection a request, which is closed whatever happens.

A task that is cancelled while httpcore (1.0.9) opens a connection, or has just opened it, may leave
it in the pool: open, never used again and never closed. Of 100 callers who hung up early 4 to 22
left one behind, and behind each a thread of llama.cpp's server waits. Here there is no pool. Nor is
there what else lies between a socket and an event of an answer's stream: on a machine whose cores
all compute, every millisecond of ours is one of the engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import h11  # what httpx and uvicorn speak HTTP with
import httpx

_READ = 1 << 16  # bytes at once


class OneConnection(httpx.AsyncBaseTransport):
    """A transport for plain HTTP to servers whose connections are cheap: those on loopback."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.AsyncBaseTransport."""
        limits = request.extensions.get("timeout", {})
        connection = await _Connection.opened(request.url, limits)
        try:
            await connection.send(request)
            head = await connection.head()
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            head.status_code,
            headers=list(head.headers.raw_items()),
            stream=connection,
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )


class _Connection(httpx.AsyncByteStream):
    """One request and its answer; as a stream it is the answer's body."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, read_s: float | None
    ) -> None:
        self._reader, self._writer, self._read_s = reader, writer, read_s
        self._http = h11.Connection(h11.CLIENT)

    @classmethod
    async def opened(cls, url: httpx.URL, limits: dict[str, float | None]) -> _Connection:
        """Connects. Raises ConnectError and ConnectTimeout."""
        try:
            async with asyncio.timeout(limits.get("connect")):
                port = url.port or 80
                reader, writer = await asyncio.open_connection(url.host, port)
        except TimeoutError:
            raise httpx.ConnectTimeout(f"no connection to {url.host}:{port}") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return cls(reader, writer, limits.get("read"))

    async def send(self, request: httpx.Request) -> None:
        """The whole request. Raises LocalProtocolError."""
        request.headers["Connection"] = "close"
        body = await request.aread()
        try:
            head = h11.Request(
                method=request.method, target=request.url.raw_path, headers=request.headers.raw
            )
            events = (head, h11.Data(data=body), h11.EndOfMessage())
            whole = b"".join(self._http.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        self._writer.write(whole)  # in one piece: each costs a call of the kernel, and a packet
        with contextlib.suppress(ConnectionError):  # who refuses early may have said why
            await self._writer.drain()

    async def head(self) -> h11.Response:
        """The head of the answer."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise httpx.RemoteProtocolError("the server left without an answer")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def _next(self) -> object:
        """Raises ReadError, ReadTimeout and RemoteProtocolError."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                async with asyncio.timeout(self._read_s):
                    self._http.receive_data(await self._reader.read(_READ))
        except TimeoutError:
            raise httpx.ReadTimeout("the server is silent") from None
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event

    async def aclose(self) -> None:
        """See httpx.AsyncByteStream."""
        self.close()

    def close(self) -> None:
        """Hangs up. The loop frees the socket in its next round, whatever becomes of the caller."""
        self._writer.transport.abort()
