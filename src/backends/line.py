"""A waiting line that is fair over clients."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """Clients take turns, and each one's own requests keep their order: one that sends a hundred
    delays another one by a single request. Who is first stays first until it leaves, so that a
    large request is not passed by small ones for ever."""

    def __init__(self) -> None:
        self._by: dict[str, deque[T]] = {}  # clients in the order of their turns

    def __len__(self) -> int:
        return sum(map(len, self._by.values()))

    def of(self, client: str) -> int:
        """How many requests of `client` wait."""
        return len(self._by.get(client, ()))

    def add(self, client: str, item: T) -> None:
        """`item` waits from now on."""
        self._by.setdefault(client, deque()).append(item)

    def first(self) -> T | None:
        """Whose turn it is; None when nobody waits."""
        return next(iter(self._by.values()))[0] if self._by else None

    def pop(self) -> T:
        """Takes the first one out; its client goes to the end."""
        client, waiting = next(iter(self._by.items()))
        item = waiting.popleft()
        del self._by[client]
        if waiting:
            self._by[client] = waiting
        return item

    def remove(self, client: str, item: T) -> None:
        """`item` waits no more."""
        self._by[client].remove(item)
        if not self._by[client]:
            del self._by[client]
