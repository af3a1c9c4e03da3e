"""A streamed answer over a kept connection that may be given up at any moment.

httpcore loses a connection whose request is cancelled before the answer has begun: it stays in the
pool for good (seen with httpcore 1.0.9). So requests are
opened, and closed, by tasks of their own, which end by their timeouts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

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
