"""HTTP with a connection a request, which is closed whatever happens.

A task that is cancelled while httpcore (1.0.9) opens a connection, or has just opened it, may leave
it in the pool: open, never used again and never closed. Of 100 callers who hung up early 4 to 22
left one behind, and behind each a thread of llama.cpp's server waits. A pool that lives as long as
one request takes it along.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx


class OneConnection(httpx.AsyncBaseTransport):
    """A transport for plain HTTP to servers whose connections are cheap: those on loopback."""

    def __init__(self) -> None:
        self._ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused; making one takes time
        self._closing: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.AsyncBaseTransport."""
        inner = httpx.AsyncHTTPTransport(
            verify=self._ssl, limits=httpx.Limits(max_keepalive_connections=0), trust_env=False
        )
        try:
            response = await inner.handle_async_request(request)
        except BaseException:
            await self.end(inner)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Ending(response.stream, inner, self),
            extensions=response.extensions,
        )

    async def end(self, inner: httpx.AsyncHTTPTransport) -> None:
        """Closes all that `inner` holds, even when the caller is cancelled meanwhile."""
        task = asyncio.create_task(inner.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)

    async def aclose(self) -> None:
        """Waits for what is being closed."""
        await asyncio.gather(*self._closing, return_exceptions=True)


class _Ending(httpx.AsyncByteStream):
    """A response's body; closing it closes the connection."""

    def __init__(
        self, body: httpx.AsyncByteStream, inner: httpx.AsyncHTTPTransport, owner: OneConnection
    ) -> None:
        self._body, self._inner, self._owner = body, inner, owner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            await self._owner.end(self._inner)
