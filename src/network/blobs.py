"""Model files for peers, by their SHA-256 and nothing else: `GET /peer/v1/blobs/sha256-<hex>`.

Whoever asks knows the hash from elsewhere and checks what arrives: nothing here vouches for it.
Of a download in progress whole pieces of 64 MiB are given; what is not there yet is a 416 that
tells in HAVE how many bytes are.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..models.by_hash import Held
from .server import PEER

PATH = "/peer/v1/blobs/"
HAVE = "X-Local-Swarm-Have"
_BLOCK = 1 << 20
_AT_ONCE = 2  # of all peers; one a peer
_NAP_S = 0.25
_PATIENCE_S = 10.0  # a block may wait for the engine so long: who reads must not give up meanwhile
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")

Shelf = Callable[[str], Held | None]


@dataclass
class _Counter:
    """Who is being served now."""

    peers: list[str] = field(default_factory=list)

    def full(self, peer: str) -> bool:
        return len(self.peers) >= _AT_ONCE or peer in self.peers


def routes(
    shelf: Shelf, busy: Callable[[], bool], willing: Callable[[], str | None]
) -> list[Route]:
    """The route of model files, for the peer port.

    `shelf` finds a file by its SHA-256; while `busy` (the engine works) the bytes wait, as far as
    that is possible; `willing` is why this machine gives nothing now, or None.
    """
    counter = _Counter()

    async def blob(request: Request) -> Response:
        peer, digest = str(request.scope[PEER]), str(request.path_params["digest"])
        if why := willing():
            return _refused(503, why, {"Retry-After": "60"})
        try:
            held = await asyncio.to_thread(shelf, digest)
        except OSError:  # it got another name just now
            held = None
        if held is None:
            return _refused(404, "this machine has no such file")
        try:
            size = held.size
            first, last = _wanted(request.headers.get("range"), size)
            if last >= held.ready:
                return _not_yet(held)
            if request.method == "HEAD":
                return Response(headers=_headers(first, last, size))
            if counter.full(peer):
                return _refused(503, "busy", {"Retry-After": "2"})
            file = held.path.open("rb")
        except LookupError:
            return _refused(416, "no such bytes", {"Content-Range": f"bytes */{size}"})
        except OSError:
            return _refused(404, "this machine has no such file")
        counter.peers.append(peer)
        status = 206 if "range" in request.headers else 200
        body = Blocks(file, first, last, busy, lambda: counter.peers.remove(peer))
        return _Blob(body, status, _headers(first, last, size))

    return [Route(f"{PATH}sha256-{{digest}}", blob, methods=["GET"])]


class _Blob(StreamingResponse):
    """Closes its file however it ends; also where it never began."""

    def __init__(self, body: Blocks, status: int, headers: dict[str, str]) -> None:
        super().__init__(body, status, headers, "application/octet-stream")
        self._blocks = body

    async def __call__(self, *wire: object) -> None:
        try:
            await super().__call__(*wire)  # type: ignore[arg-type]
        finally:
            self._blocks.close()


class Blocks:
    """The bytes `first` to `last` of a file, by the megabyte."""

    def __init__(
        self, file: BinaryIO, first: int, last: int, busy: Callable[[], bool],
        done: Callable[[], None],
    ) -> None:  # fmt: skip
        self._file, self._at, self._end = file, first, last + 1
        self._busy, self._done = busy, done
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._at < self._end:
            await self._idle()
            block = await asyncio.to_thread(self._read)
            if not block:  # it was cut short meanwhile
                raise OSError("the file has ended")
            self._at += len(block)
            yield block

    def close(self) -> None:
        """Gives the file and the place back."""
        if not self._closed:
            self._closed = True
            self._file.close()
            self._done()

    def _read(self) -> bytes:
        self._file.seek(self._at)
        return self._file.read(min(_BLOCK, self._end - self._at))

    async def _idle(self) -> None:
        waited = 0.0
        while self._busy() and waited < _PATIENCE_S:
            await asyncio.sleep(_NAP_S)
            waited += _NAP_S


def _wanted(header: str | None, size: int) -> tuple[int, int]:
    """First and last byte. Raises LookupError for a range that is not there."""
    if header is None:
        if not size:
            raise LookupError
        return 0, size - 1
    match = _RANGE.fullmatch(header)
    if match is None or int(match[1]) >= size:
        raise LookupError
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if last < int(match[1]):
        raise LookupError
    return int(match[1]), last


def _headers(first: int, last: int, size: int) -> dict[str, str]:
    return {
        "Content-Length": str(last - first + 1),
        "Content-Range": f"bytes {first}-{last}/{size}",
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
    }


def _not_yet(held: Held) -> JSONResponse:
    headers = {"Content-Range": f"bytes */{held.size}", HAVE: str(held.have)}
    return _refused(416, "this machine is still downloading that", headers)


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": "refused", "message": why}}, status, headers)
