"""A responder for as long as a command needs one: the running node, or one of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..chat import ChatRequest, Event, Responder, named
from ..errors import NodeUnreachable
from ..settings import Settings
from .find import address, fetch_status

if TYPE_CHECKING:
    from ..node import Node


class Session:
    """`open` finds the node at `url`, or where it usually is, else starts one of its own, which
    `close` ends."""

    def __init__(
        self, settings: Settings, url: str | None, key: str | None, seats: int | None, out: Console
    ) -> None:
        self._settings, self._url, self._key = settings, url, key
        self._seats, self._out = seats, out
        self._own: Node | None = None
        self.context: int | None = None
        """Of the model, in tokens; None where the node does not tell."""
        self.usual: int | None = seats
        """How many seats vote where a request says nothing."""

    async def open(self) -> Responder:
        """Raises SwarmError when neither works."""
        where = address(self._settings, self._url)
        known = fetch_status(where, self._key)
        if known is not None:
            self.context = known.get("context")
            self.usual = self._seats or known.get("seats")
            from ..wire.client import RemoteResponder

            return RemoteResponder(where, self._key)
        if self._url:
            raise NodeUnreachable(f"No node answers at {where}.", hint="Check --url.")
        from ..choose import Wish, choose
        from ..enlist import crew_of
        from ..node import Node

        # What answers one question is no reason to download gigabytes: `run` does that.
        choice = choose(self._settings, Wish(seats=self._seats, here=True), lambda *_: None)
        if choice.notice:
            self._out.print(choice.notice, style="dim")
        crew = crew_of(self._settings, choice)
        self._own = Node(None, None, models=self._settings.models, others=[crew])
        self.context = choice.plan.context
        with self._out.status("Loading the model ..."):
            await self._own.start()
        return _Named(self._own)

    async def close(self) -> None:
        """Ends the node that `open` has started."""
        if self._own is not None:
            await self._own.close()


class _Named:
    """A node of our own, which like a remote one knows what the model ids mean."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond."""
        known = [card.id for card in self._node.cards()]
        events: Any = self._node.respond(named(request, known))
        async with aclosing(events):
            async for event in events:
                yield event
