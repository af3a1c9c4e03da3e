"""A streamed answer over a kept connection that may be given up at any moment.

httpcore loses a connection whose request is cancelled before the answer has begun: it stays in the
pool for good (seen with httpcore 1.0.9). So requests are
opened, and closed, by tasks of their own, which end by their timeouts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from . import protocol
from .protocol import End, Line, NotUnderstood

if TYPE_CHECKING:
    import httpx

ACCEPT_S = 2.0  # from the question to the first line
GAP_S = 3.0  # three heartbeats missed
_END_S = 0.5
_leaving: set[asyncio.Task[None]] = set()  # held: the loop keeps no task alive by itself


@asynccontextmanager
async def streamed(
    client: httpx.AsyncClient, request: httpx.Request
) -> AsyncIterator[httpx.Response]:
    """The answer to `request` once its head is there. Leaving the block early hangs up.

    Raises httpx.TransportError. Cancelling returns at once; what is left to close is closed soon.
    """
    opening = asyncio.create_task(client.send(request, stream=True, follow_redirects=False))
    try:
        response = await asyncio.shield(opening)
    except asyncio.CancelledError:
        _spawn(_close_late(opening))
        raise
    try:
        yield response
    finally:
        await asyncio.shield(_spawn(_close(response)))


async def lines_of(response: httpx.Response, until: float) -> AsyncGenerator[Line]:
    """The lines of a stream, none of them later than it may be; ends with the End.

    `until` is when all must be over, on the monotonic clock.

    Raises NotUnderstood, TimeoutError, httpx.TransportError.
    """
    buffer, size, count = bytearray(), 0, 0
    chunks = response.aiter_raw()
    patience = ACCEPT_S
    async with aclosing(chunks):  # type: ignore[type-var]
        while True:
            async with asyncio.timeout(min(patience, max(0.0, until - time.monotonic()))):
                while (at := buffer.find(b"\n")) < 0:
                    chunk = await anext(chunks, b"")
                    size += len(chunk)
                    if not chunk:
                        raise NotUnderstood("it ends without an end")
                    if size > protocol.MAX_STREAM or len(buffer) > protocol.MAX_LINE:
                        raise NotUnderstood("it is too long")
                    buffer += chunk
            line = protocol.read_line(bytes(buffer[:at]))
            del buffer[: at + 1]
            count += 1
            if count > protocol.MAX_LINES:
                raise NotUnderstood("it has too many lines")
            patience = GAP_S
            if isinstance(line, End):
                await _drain(chunks)
                yield line
                return
            yield line


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Takes the stream's last bytes, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_END_S):
            await anext(chunks, b"")
    except TimeoutError:
        return


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)
    return task


async def _close_late(opening: asyncio.Task[httpx.Response]) -> None:
    import httpx

    try:
        response = await opening
    except (httpx.HTTPError, asyncio.CancelledError):
        return
    await _close(response)


async def _close(response: httpx.Response) -> None:
    import httpx

    try:
        await response.aclose()
    except (httpx.HTTPError, OSError):
        return
