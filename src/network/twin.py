"""A machine that is a copy of this one, with its identity: to all others the two are one peer,
whose address goes back and forth."""

from __future__ import annotations

import asyncio
import logging

from . import addresses, pairing
from .discovery import short
from .identity import Identity

_LOG = logging.getLogger("local_swarm.network")


class Twin:
    """Told of what is announced under our own name (see `discovery.Found`), looks there.

    What is announced is a hint; that it is a twin is known when our own certificate is shown, with
    its key, at an address beside us that is not ours.
    """

    def __init__(self, me: Identity) -> None:
        self.trouble: str | None = None
        self._me = me
        self._tasks: set[asyncio.Task[None]] = set()

    def found(self, who: str, told: tuple[str, ...]) -> None:
        """See discovery.Found."""
        if who == short(self._me.device_id) and not self.trouble and not self._tasks:
            task = asyncio.get_running_loop().create_task(self._look(told))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stops looking."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self, told: tuple[str, ...]) -> None:
        ours = addresses.links()
        for address in told:
            for place in await addresses.dialable(address, ours, vouched=False):
                if await pairing.shown(place) == self._me.certificate:
                    self.trouble = (
                        f"The machine at {place} has this one's identity: one is a copy of the "
                        f"other. On the copy, stop the node, delete {self._me.file.parent} and "
                        "pair anew."
                    )
                    _LOG.warning("%s", self.trouble)
                    return
