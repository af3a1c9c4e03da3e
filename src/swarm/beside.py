"""Several voters at once, as if they were one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ..ballot import Ballot, Meter
from ..chat import ChatRequest
from .tiers import Voter


async def beside(
    voters: Sequence[tuple[Voter, int]], request: ChatRequest, meter: Meter
) -> AsyncGenerator[Ballot]:
    """The ballots of all `voters`, each asked for its seats, as they come.

    A voter that fails costs its ballots only; its error is raised when nobody cast any. Closing
    the iterator stops all.
    """
    inbox: asyncio.Queue[Ballot | Exception | None] = asyncio.Queue()

    async def pump(voter: Voter, seats: int) -> None:
        try:
            stream: Any = voter.vote(request, seats, meter)
            async with aclosing(stream):
                async for ballot in stream:
                    inbox.put_nowait(ballot)
        except Exception as error:  # raised below, when nobody else has cast a ballot
            inbox.put_nowait(error)
        finally:
            inbox.put_nowait(None)

    tasks = [asyncio.create_task(pump(voter, seats)) for voter, seats in voters]
    failure: Exception | None = None
    working, cast = len(tasks), 0
    try:
        while working:
            item = await inbox.get()
            if isinstance(item, Ballot):
                cast += 1
                yield item
            elif item is None:
                working -= 1
            else:
                failure = failure or item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if failure is not None and not cast:
        raise failure
