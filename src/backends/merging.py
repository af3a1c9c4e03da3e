"""Several streams as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def merged(streams: Sequence[AsyncGenerator[T]]) -> AsyncGenerator[T]:
    """The items of all `streams` as they come. One that fails ends alone; its fault (the first, of
    several) is raised when all have ended. Closing it closes all."""
    inbox: asyncio.Queue[tuple[T] | Exception | None] = asyncio.Queue()

    async def pump(stream: AsyncGenerator[T]) -> None:
        try:
            async with aclosing(stream):
                async for item in stream:
                    inbox.put_nowait((item,))
        except Exception as fault:  # handed on below
            inbox.put_nowait(fault)
        finally:
            inbox.put_nowait(None)

    tasks = [asyncio.create_task(pump(stream)) for stream in streams]
    faults: list[Exception] = []
    try:
        ended = 0
        while ended < len(tasks):
            item = await inbox.get()
            if item is None:
                ended += 1
            elif isinstance(item, Exception):
                faults.append(item)
            else:
                yield item[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if faults:
        raise faults[0]
