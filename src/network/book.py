"""The peers of this machine, and who may never be one again without its owner's word.

A removal leaves a mark that travels to all members and outlives every introduction: others may tell
of new peers (`learn`), but only the owner, by pairing, brings back one that was removed (`put`).
That forgives the marks of then, on this machine alone; a later removal leaves another mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import LanError
from . import book_file
from .book_file import ADDRESSES, MEMBERS, REMOVED, Kept, Peer, check, is_address

__all__ = ["ADDRESSES", "MEMBERS", "REMOVED", "Book", "Peer", "is_address"]

_LATER_S = 0.5
_ID = re.compile(r"[A-Z2-7]{52}")


class Book:
    """Kept in `folder`, whole or not at all, readable by its owner alone.

    What cannot be written is not done: all changes raise LanError, and leave the book as it was.
    """

    def __init__(self, folder: Path) -> None:
        """Raises LanError for a damaged file: an empty book in its place would forget removals."""
        self._path = folder / book_file.NAME
        self._watchers: list[Callable[[], None]] = []
        self._now = book_file.read(self._path)
        self._later: asyncio.TimerHandle | None = None

    @property
    def version(self) -> int:
        """Grows with every change of who is a member, over restarts too."""
        return self._now.version

    def peers(self) -> tuple[Peer, ...]:
        """All peers, in the order in which they came."""
        return tuple(self._now.peers.values())

    def get(self, id: str) -> Peer | None:
        """The peer of that id."""
        return self._now.peers.get(id)

    def find(self, start: str) -> Peer:
        """The peer of that name, or whose id begins so. Raises LanError for none and several."""
        wanted = start.upper().replace("-", "")
        found = [
            peer
            for peer in self.peers()
            if peer.name == start or (len(wanted) > 3 and peer.id.startswith(wanted))
        ]
        if len(found) == 1:
            return found[0]
        told = f"{len(found)} peers are" if found else "No peer is"
        raise LanError(f"{told} called '{start}'.", hint="`local-swarm peers` shows their ids.")

    @property
    def removed(self) -> frozenset[str]:
        """The ids of those who were removed here or elsewhere."""
        return _ids(self._now.marks - self._now.forgiven)

    @property
    def marks(self) -> frozenset[str]:
        """The marks of the removals that hold here, to be told to others."""
        return self._now.marks - self._now.forgiven

    def put(self, peer: Peer) -> None:
        """Adds or replaces a peer by its owner's word, a removed one too."""
        check(peer)
        now, known = self._now, self._now.peers.get(peer.id)
        if known is not None and replace(known, version=peer.version) == peer:
            return
        peer = replace(peer, version=now.version + 1)
        forgiven = {mark for mark in now.marks if mark.startswith(peer.id)}
        peers = {**now.peers, peer.id: peer}
        self._change(replace(now, peers=peers, forgiven=now.forgiven | forgiven))

    def learn(self, peers: Iterable[Peer], marks: Iterable[str] = ()) -> bool:
        """What another member tells: takes out who was removed, adds who is new and was not;
        whether anything changed. Who is known stays as it is, who is new is not trusted."""
        now, known = self._now, set(self._now.marks)
        for mark in marks:
            if book_file.is_mark(mark) and len(known) < REMOVED:
                known.add(mark)
        gone = _ids(known - now.forgiven)
        kept = {id: peer for id, peer in now.peers.items() if id not in gone}
        for peer in peers:
            check(peer)
            if peer.id not in gone and len(kept) < MEMBERS:
                new = replace(peer, trusted=False, listed=(), version=now.version + 1)
                kept.setdefault(peer.id, new)
        if kept == now.peers and known == now.marks:
            return False
        self._change(replace(now, peers=kept, marks=frozenset(known)))
        return True

    def remove(self, id: str) -> bool:
        """Removes for good; False when that had been done. A stranger is kept out as well."""
        if id in self.removed:
            return False
        if not _ID.fullmatch(id):
            raise LanError(f"'{id}' is no id of a machine.")
        now = self._now
        peers = {other: peer for other, peer in now.peers.items() if other != id}
        mark = f"{id}.{secrets.token_hex(8)}"
        self._change(replace(now, peers=peers, marks=now.marks | {mark}))
        return True

    def good_address(self, id: str, address: str) -> None:
        """Remembers where a peer answered last, on the disk within a second. No change of
        membership; a disk that does not take it is no reason to fail."""
        peer = self._now.peers.get(id)
        if peer is None or not is_address(address) or peer.addresses[:1] == (address,):
            return
        others = tuple(known for known in peer.addresses if known != address)
        peer = replace(peer, addresses=(address, *others)[:ADDRESSES])
        self._now = replace(self._now, peers={**self._now.peers, id: peer})
        # A hundred peers that come up at once are one write, not a hundred.
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._keep()
        else:
            if self._later is None:
                self._later = loop.call_later(_LATER_S, self._keep)

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` after every change of membership; returns what undoes that."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    def _keep(self) -> None:
        self._later = None
        with contextlib.suppress(LanError):
            book_file.write(self._path, self._now)

    def _change(self, new: Kept) -> None:
        new = replace(new, version=self._now.version + 1)
        book_file.write(self._path, new)
        self._now = new
        for watcher in tuple(self._watchers):
            watcher()


def _ids(marks: Iterable[str]) -> frozenset[str]:
    return frozenset(mark.partition(".")[0] for mark in marks)
