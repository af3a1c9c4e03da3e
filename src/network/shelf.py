"""Model files from peers, by their SHA-256: whatever a peer sends is checked against that hash,
which comes from the hub or the catalogue and never from a peer.

Who downloads the file itself gives the pieces that it has, and one that is ahead of us is waited
for a moment: two machines of a house then fetch it over their one line once, and not twice.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path

from ..errors import HubUnreachable, LanError
from ..models import by_hash
from ..models.source import AGAIN, CHUNK, Source, Stream
from .blobs import HAVE, PATH

RANGE = by_hash.PIECE  # bytes of one request: then the next peer that has the file is asked
_CONNECT_S, _READ_S = 1.5, 30.0
_DOORS = 4
_LOOK_S, _STALLED_S, _WAIT_S = 1.0, 5.0, 30.0  # for the next piece of who is ahead of us
_SLOW_S, _SLOW = 20.0, 100_000  # below so many bytes a second a peer is left for another


@dataclass(frozen=True, slots=True)
class Door:
    """Where a peer serves: "host:port", and what proves that it is the peer."""

    address: str
    context: ssl.SSLContext


class Shelf:
    """A models.source.Source: the file from the peers behind `doors`, in turn, else `otherwise`.

    `gave` has the addresses of all that sent any byte: what then turns out to be damaged may be
    right elsewhere.
    """

    def __init__(self, doors: Sequence[Door], sha256: str, size: int, otherwise: Source) -> None:
        self._doors, self._sha256, self._size = list(doors), sha256, size
        self._otherwise = otherwise
        self._have: dict[Door, int] = {}  # bytes of those that are still downloading
        self.gave: set[str] = set()

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
            begun, end = at, min((at // RANGE + 1) * RANGE, self._size)
            for chunk in self._from_peers(at, end):
                at += len(chunk)
                yield chunk
            if at == end:
                continue
            if not self._doors:
                raise HubUnreachable("No paired machine has the rest of the file.")
            for chunk in self._from_elsewhere(at):
                at += len(chunk)
                yield chunk
            if at == begun:
                raise HubUnreachable("The download broke off.", hint=AGAIN)

    def _from_peers(self, at: int, end: int) -> Iterator[bytes]:
        """What the peers have of [at, end); who is further than we are is waited for."""
        most, grown = 0, time.monotonic()
        until = grown + _WAIT_S
        while True:
            for door in list(self._doors):
                self._doors.remove(door)
                for chunk in self._range(door, at, end):
                    self.gave.add(door.address)
                    at += len(chunk)
                    yield chunk
                if at == end or door in self._have:
                    self._doors.append(door)
                if at == end:
                    return
            ahead, now = max(self._have.values(), default=0), time.monotonic()
            if ahead > most:
                most, grown = ahead, now
            if ahead <= at or now > until or now - grown > _STALLED_S:
                return
            time.sleep(_LOOK_S)

    def _from_elsewhere(self, at: int) -> Iterator[bytes]:
        """The bytes from `at` on, until a peer has the next piece or is about to."""
        with self._otherwise.fetch(at) as stream:
            if stream.start != at:
                self._doors.clear()  # it cannot go on in the middle: the next try is all its own
                raise HubUnreachable("The download begins again.", hint=AGAIN)
            for chunk in stream.chunks:
                before, at = at, at + len(chunk)
                yield chunk
                if before // RANGE != at // RANGE and at < self._size and self._ahead(at):
                    return

    def _ahead(self, at: int) -> bool:
        """Whether a peer that is downloading has more than we have."""
        end = min((at // RANGE + 1) * RANGE, self._size)
        for door in list(self._have):
            if self._asked(door, at, end):
                return True
        return max(self._have.values(), default=0) > at

    def _asked(self, door: Door, first: int, end: int) -> bool:
        """Whether a peer has all of [first, end) by now; notes how much it has."""
        with suppress(OSError, HTTPException, ValueError), closing(self._wire(door)) as wire:
            response = self._reply(wire, "HEAD", door, first, end)
            if response.status == 200:
                self._have[door] = end
                return True
        return False

    def _wire(self, door: Door) -> HTTPSConnection:
        from .addresses import split

        # Less processor time than httpx, which reads by the 64 KiB; and it knows no proxies.
        return HTTPSConnection(*split(door.address), timeout=_CONNECT_S, context=door.context)

    def _reply(
        self, wire: HTTPSConnection, method: str, door: Door, first: int, end: int
    ) -> HTTPResponse:
        headers = {"Range": f"bytes={first}-{end - 1}", "Accept-Encoding": "identity"}
        self._have.pop(door, None)
        wire.connect()
        wire.sock.settimeout(_READ_S)
        wire.request(method, f"{PATH}sha256-{self._sha256}", headers=headers)
        response = wire.getresponse()
        told = response.getheader(HAVE, "")
        if response.status == 416 and told.isascii() and told.isdigit() and len(told) < 16:
            self._have[door] = int(told)
        return response

    def _range(self, door: Door, first: int, end: int) -> Iterator[bytes]:
        """What one peer sends of [first, end), and no byte more; ends early where it fails."""
        left, begun = end - first, time.monotonic()
        try:
            with closing(self._wire(door)) as wire:
                response = self._reply(wire, "GET", door, first, end)
                told = response.getheader("content-range")
                if response.status != 206 or told != f"bytes {first}-{end - 1}/{self._size}":
                    return
                while left > 0 and (chunk := _some(response, min(CHUNK, left))):
                    yield chunk
                    left -= len(chunk)
                    seconds = time.monotonic() - begun
                    if seconds > _SLOW_S and end - first - left < _SLOW * seconds:
                        return
        except (OSError, HTTPException, ValueError):
            return


def _some(response: HTTPResponse, most: int) -> bytes:
    """What comes within a second, `most` bytes at most: who sends one byte at a time is not waited
    for until it is a chunk."""
    parts, left, until = list[bytes](), most, time.monotonic() + 1
    while left and (part := response.read1(left)):
        parts.append(part)
        left -= len(part)
        if time.monotonic() > until:
            break
    return b"".join(parts)


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
