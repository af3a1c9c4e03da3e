"""How fast loaded engines write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from ..chat import ChatRequest
from ..errors import EngineError, EngineUnavailable
from .base import Piece, Served

_TOKENS = 48


async def speed(members: Sequence[tuple[Served, int]], answer_s: float) -> float | None:
    """Tokens a second of each answer while all (engine, seats) write, for `answer_s` seconds at
    most; None where too few came to tell. Raises EngineUnavailable."""
    asked = ChatRequest(
        id="trial",
        messages=({"role": "user", "content": "Count from one to one hundred, in words."},),
        max_tokens=_TOKENS,
        sampling={"ignore_eos": True},
    )
    first: dict[tuple[int, int], tuple[float, int]] = {}
    last: dict[tuple[int, int], tuple[float, int]] = {}

    async def listen(at: int, limit: asyncio.Timeout) -> None:
        engine, seats = members[at]
        stream: AsyncIterator[object] = engine.sample(asked, seats)
        async with aclosing(stream) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                if isinstance(piece, Piece) and piece.tokens:
                    now = time.monotonic(), piece.tokens
                    if not first:  # the prompt is read: from here on it writes
                        limit.reschedule(asyncio.get_running_loop().time() + answer_s)
                    first.setdefault((at, piece.seat), now)
                    last[at, piece.seat] = now

    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(answer_s * 4) as limit:
            tasks = [asyncio.create_task(listen(at, limit)) for at in range(len(members))]
            await asyncio.gather(*tasks)
    except EngineUnavailable:
        raise
    except (TimeoutError, EngineError):
        pass  # what came tells; an engine that cannot be asked so has no speed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    speeds = [
        (last[seat][1] - tokens) / (last[seat][0] - begun)
        for seat, (begun, tokens) in first.items()
        if last[seat][1] - tokens > 1 and last[seat][0] > begun
    ]
    return round(sum(speeds) / len(speeds), 2) if speeds else None
