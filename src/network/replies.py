"""Short answers of other machines: read whole, in bounded time, and no byte more than was agreed.

httpx by itself unpacks what is packed, reads until the memory is full, and waits for as long as a
byte comes now and then.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of an answer."""

    status: int
    body: bytes


async def ask(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    most: int,
    within_s: float,
    pause_s: float | None = None,
) -> Reply:
    """One request and its answer of at most `most` bytes, all of it within `within_s` seconds and
    no byte later than `pause_s` after the one before (default: the client's own patience).

    Raises httpx.TransportError, TimeoutError, and ValueError for an answer that is too large or
    packed.
    """
    import httpx

    headers = {"Accept-Encoding": "identity"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    patience = httpx.Timeout(client.timeout if pause_s is None else pause_s)
    async with (
        asyncio.timeout(within_s),
        client.stream(method, path, content=body, headers=headers, timeout=patience) as response,
    ):
        if "content-encoding" in response.headers:
            raise ValueError("its answer is packed, which was not asked for")
        found = bytearray()
        async for chunk in response.aiter_bytes():
            found += chunk
            if len(found) > most:
                raise ValueError("its answer is too large")
    return Reply(response.status_code, bytes(found))
