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

HEAD_S = 10.0  # to send the question and be answered with a whole head, byte by byte or not
ACCEPT_S = 2.0  # from then to the first line
GAP_S = 3.0  # three heartbeats missed
_END_S = 0.5
_PIECES = 8000  # an honest stream has one a line, and one more each 16 KiB (RFC 8446, 5.1)
_AT_ONCE = 64  # lines or pieces; then others have a turn, whatever waits in the buffers
_leaving: set[asyncio.Task[None]] = set()  # held: the loop keeps no task alive by itself


@asynccontextmanager
async def streamed(
    client: httpx.AsyncClient, request: httpx.Request
) -> AsyncIterator[httpx.Response]:
    """The answer to `request` once its head is there. Leaving the block early hangs up.

    Raises httpx.TransportError, TimeoutError. Cancelling returns at once; what is left to close is
    closed soon.
    """
    opening = asyncio.create_task(_open(client, request))
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
    buffer, size, count, pieces = bytearray(), 0, 0, 0
    chunks = response.aiter_raw()
    patience = ACCEPT_S
    async with aclosing(chunks):  # type: ignore[type-var]
        while True:
            async with asyncio.timeout(min(patience, max(0.0, until - time.monotonic()))):
                searched = 0
                while (at := buffer.find(b"\n", searched)) < 0:
                    searched = len(buffer)
                    chunk = await anext(chunks, b"")
                    size += len(chunk)
                    pieces += 1
                    if not chunk:
                        raise NotUnderstood("it ends without an end")
                    if size > protocol.MAX_STREAM or len(buffer) > protocol.MAX_LINE:
                        raise NotUnderstood("it is too long")
                    if pieces > _PIECES:
                        raise NotUnderstood("it comes in too many pieces")
                    if pieces % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                    buffer += chunk
            line = protocol.read_line(bytes(buffer[:at]))
            del buffer[: at + 1]
            count += 1
            if count > protocol.MAX_LINES:
                raise NotUnderstood("it has too many lines")
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
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


async def _open(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    # The timeouts of connecting come first; later it may be cancelled without losing a connection.
    async with asyncio.timeout(HEAD_S):
        return await client.send(request, stream=True, follow_redirects=False)


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)
    return task


async def _close_late(opening: asyncio.Task[httpx.Response]) -> None:
    import httpx

    try:
        response = await opening
    except (httpx.HTTPError, TimeoutError, RuntimeError, asyncio.CancelledError):
        return
    await _close(response)


async def _close(response: httpx.Response) -> None:
    import httpx

    try:
        await response.aclose()
    except (httpx.HTTPError, OSError):
        return
