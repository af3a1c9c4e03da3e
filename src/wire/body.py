"""Bodies of requests that end in time, and at a size that was agreed on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Receive


def bounded(
    receive: Receive, limit: int, seconds: float, *, large: Exception, slow: Exception
) -> Receive:
    """`receive` that raises `large` for a body of more than `limit` bytes, whatever the headers had
    promised, and `slow` for one that is not whole after so many `seconds`."""
    seen, whole = 0, False
    deadline = asyncio.get_running_loop().time() + seconds

    async def taken() -> Message:
        nonlocal seen, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise slow from None
        seen += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if seen > limit:
            raise large
        return message

    return taken
