"""Model files from peers, by their SHA-256: whatever a peer sends is checked against that hash,
which comes from the hub or the catalogue and never from a peer."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

from ..errors import HubUnreachable, LanError
from ..models.source import CHUNK, Source, Stream
from .blobs import PATH

RANGE = 64 << 20  # bytes of one request: then the next peer that has the file is asked
_CONNECT_S, _READ_S = 1.5, 30.0
_DOORS = 4
_SLOW_S, _SLOW = 20.0, 100_000  # below so many bytes a second a peer is left for another


@dataclass(frozen=True, slots=True)
class Door:
    """Where a peer serves: "host:port", and what proves that it is the peer."""

    address: str
    context: ssl.SSLContext


class Shelf:
    """A models.source.Source: the file from the peers behind `doors`, in turn, then `otherwise`.

    `used` tells whether a peer sent any byte: what then turns out to be damaged may be right
    elsewhere.
    """

    def __init__(self, doors: Sequence[Door], sha256: str, size: int, otherwise: Source) -> None:
        self._doors, self._sha256, self._size = list(doors), sha256, size
        self._otherwise = otherwise
        self.used = False

    @contextmanager
    def fetch(self, start: int) -> Iterator[Stream]:
        """See Source."""
        if self._doors and start < self._size:
            yield Stream(start, self._chunks(start))
            return
        with self._otherwise.fetch(start) as stream:
            yield stream

    def _chunks(self, at: int) -> Iterator[bytes]:
        """The bytes from `at` on. A peer that has them not, or fails, is asked no more; raises
        HubUnreachable when no peer is left, and whoever reads goes on with `otherwise`."""
        while at < self._size:
            if not self._doors:
                raise HubUnreachable("No paired machine has the rest of the file.")
            door = self._doors.pop(0)
            end = min(at + RANGE, self._size)
            for chunk in self._range(door, at, end):
                self.used = True
                at += len(chunk)
                yield chunk
            if at == end:
                self._doors.append(door)

    def _range(self, door: Door, first: int, end: int) -> Iterator[bytes]:
        """What one peer sends of [first, end), and no byte more; ends early where it fails."""
        from .addresses import split

        left, begun = end - first, time.monotonic()
        headers = {"Range": f"bytes={first}-{end - 1}", "Accept-Encoding": "identity"}
        try:
            # Less processor time than httpx, which reads by the 64 KiB; and it knows no proxies.
            wire = HTTPSConnection(*split(door.address), timeout=_CONNECT_S, context=door.context)
            with closing(wire):
                wire.connect()
                wire.sock.settimeout(_READ_S)
                wire.request("GET", f"{PATH}sha256-{self._sha256}", headers=headers)
                response = wire.getresponse()
                told = response.getheader("content-range")
                if response.status != 206 or told != f"bytes {first}-{end - 1}/{self._size}":
                    return
                while left > 0 and (chunk := response.read(min(CHUNK, left))):
                    yield chunk
                    left -= len(chunk)
                    seconds = time.monotonic() - begun
                    if seconds > _SLOW_S and end - first - left < _SLOW * seconds:
                        return
        except (OSError, HTTPException, ValueError):
            return


def doors(folder: Path) -> list[Door]:
    """The peers in the book in `folder` and where they were last, as far as they may be dialled.

    Empty where nobody is paired: nothing is made, read or asked then. No running node is needed.
    """
    from .book import Book

    try:
        book = Book(folder)
        if not book.peers():
            return []
        from . import addresses, identity, transport

        me, ours = identity.load(folder), addresses.links()
        found = []
        for peer in book.peers():
            context = transport.pinned(peer.certificate, me)
            for address in peer.addresses[:_DOORS]:
                dialled = addresses.dialable(address, ours, vouched=address in peer.listed)
                found += [Door(one, context) for one in asyncio.run(dialled)]
    except (LanError, OSError, RuntimeError):
        return []  # the internet has it as well
    return found
